import type { Target } from "../targets/target.ts";
import { clientsOf, measureLoad } from "./measure-load.ts";
import type { Bench } from "./section.ts";

const CLIENTS = 16;
const STEP_MS = 500;
/** A gateway's turns get cheaper by a third over so many requests, while V8 compiles it piece by piece. */
const WARM_REQUESTS = 25_000;

/** Sends turns until the compiler is done with the gateway's code, as it is in any gateway in service. */
export async function warmUp(target: Target, { samples, warmUpMs }: Bench): Promise<void> {
  const clients = clientsOf(target, CLIENTS);
  const deadline = performance.now() + warmUpMs;
  let sent = 0;
  while (sent < WARM_REQUESTS && performance.now() < deadline) {
    sent += (await measureLoad(target, { clients, durationMs: STEP_MS, samples })).requests;
  }
}
