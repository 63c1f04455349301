import { setTimeout as pause } from "node:timers/promises";

import type { Samples } from "../rig/samples.ts";
import type { Rig, Target, TargetKind } from "../targets/target.ts";
import type { UpstreamProcess } from "../upstream/start-upstream.ts";

export interface Bench {
  readonly rig: Rig;
  readonly kinds: readonly TargetKind[];
  /** Running and checked, `direct` first. */
  readonly targets: readonly Target[];
  readonly upstream: UpstreamProcess;
  readonly samples: Samples;
  readonly rounds: number;
  /** Of one measurement of one target. */
  readonly durationMs: number;
  /** At most, for one target. */
  readonly warmUpMs: number;
  readonly say: (text: string) => void;
}

export type Section = (bench: Bench) => Promise<void>;

/** Lets go what a gateway still does after its last answer before another one is measured. */
const SETTLE_MS = 60;
/** What a measurement may take beside its own duration, on average, before rounds are left out. */
const SLACK_MS = 200;

/**
 * Measures every subject once per round, each round from another one on, so that a disturbance of the machine or an order
 * hits all alike. Resolves to what was measured, a map per round: fewer than asked for, but one at least, where everything
 * takes much longer than planned.
 */
export async function interleave<Subject, Figure>(
  { rounds, durationMs, say }: Pick<Bench, "rounds" | "durationMs" | "say">,
  subjects: readonly Subject[],
  measure: (subject: Subject) => Promise<Figure>,
): Promise<readonly ReadonlyMap<Subject, Figure>[]> {
  const results: Map<Subject, Figure>[] = [];
  const deadline = performance.now() + rounds * subjects.length * (durationMs + SLACK_MS);
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && performance.now() > deadline) {
      say(`warning: only ${round} of ${rounds} rounds, which took too long`);
      break;
    }
    const figures = new Map<Subject, Figure>();
    const start = round % subjects.length;
    for (const subject of [...subjects.slice(start), ...subjects.slice(0, start)]) {
      figures.set(subject, await measure(subject));
      await pause(SETTLE_MS);
    }
    results.push(figures);
  }
  return results;
}
