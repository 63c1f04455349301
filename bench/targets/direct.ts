import type { TargetKind } from "./target.ts";

/** No gateway: what everything else is compared with. */
export const direct: TargetKind = {
  name: "direct",
  open: ({ upstreamPort }) =>
    Promise.resolve({
      name: "direct",
      port: upstreamPort,
      process: undefined,
      readyMs: Number.NaN,
      healthPath: "/",
      headers: {},
      hasMemory: false,
    }),
};
