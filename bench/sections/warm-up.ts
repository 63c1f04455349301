import type { Target } from "../targets/target.ts";
import { clientsOf, measureLoad } from "./measure-load.ts";
import type { Bench, Section } from "./section.ts";

const CLIENTS = 16;
const STEP_MS = 500;
/** A gateway's turns get cheaper by a third over so many requests, while V8 compiles it piece by piece. */
const WARM_REQUESTS = 25_000;

/** Comes before sections that compare what short turns cost. */
export const warmUp: Section = async (bench) => {
  await bench.upstream.answerWith({ kind: "json" });
  bench.say("warming up");
  for (const target of bench.targets) await warmUpOne(target, bench);
};

/** Sends turns until the compiler is done with the gateway's code, as it is in any gateway in service. */
async function warmUpOne(target: Target, { samples, warmUpMs }: Bench): Promise<void> {
  const clients = clientsOf(target, CLIENTS);
  const deadline = performance.now() + warmUpMs;
  let sent = 0;
  while (sent < WARM_REQUESTS && performance.now() < deadline) {
    sent += (await measureLoad(target, { clients, durationMs: STEP_MS, samples })).requests;
  }
}
