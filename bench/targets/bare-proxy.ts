import { fileURLToPath } from "node:url";

import { startGateway } from "./start-gateway.ts";
import type { TargetKind } from "./target.ts";

const SCRIPT = fileURLToPath(new URL("./bare-proxy-process.ts", import.meta.url));

export const bareProxy: TargetKind = {
  name: "bare proxy",
  open: (rig) =>
    startGateway(rig, {
      name: "bare proxy",
      command: (port) => [process.execPath, SCRIPT, String(port), String(rig.upstreamPort)],
      healthPath: "/",
      headers: {},
      hasMemory: false,
    }),
};
