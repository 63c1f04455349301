import { Hono } from "hono";

import type { GatewayEnv } from "../gateway-env.ts";

export interface HealthParts {
  /** Resolve when the part answers. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  /** True from the first shutdown signal on: readiness goes red before connections close. */
  readonly isDraining: () => boolean;
  /** Prometheus text; `undefined` when switched off. */
  readonly renderMetrics: (() => Promise<string>) | undefined;
}

const CHECK_TIMEOUT_MS = 2_000;

/** Liveness, readiness and metrics: for machines, without credentials and without anybody's data. */
export function health({ checks, isDraining, renderMetrics }: HealthParts): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.get("/healthz", (context) => context.json({ status: "ok" }));
  app.get("/readyz", async (context) => {
    const names = Object.keys(checks);
    const states = await Promise.all(Object.values(checks).map(stateOf));
    const parts = Object.fromEntries(names.map((name, index) => [name, states[index]]));
    const ready = !isDraining() && states.every((state) => state === "ok");
    return context.json(
      { status: ready ? "ready" : isDraining() ? "draining" : "unavailable", ...parts },
      ready ? 200 : 503,
    );
  });
  if (renderMetrics) {
    app.get("/metrics", async (context) => {
      return context.body(await renderMetrics(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    });
  }
  return app;
}

async function stateOf(check: () => Promise<void>): Promise<"ok" | "unavailable"> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error("late")), CHECK_TIMEOUT_MS).unref();
  });
  return Promise.race([check(), late]).then(
    () => "ok",
    () => "unavailable",
  );
}
