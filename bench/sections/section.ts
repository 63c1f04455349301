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

/**
 * Measures every subject once per round, each round from another one on, so that a disturbance of the machine or an order
 * hits all alike. Resolves to what was measured, a map per round.
 */
export async function interleave<Subject, Figure>(
  { rounds }: Pick<Bench, "rounds">,
  subjects: readonly Subject[],
  measure: (subject: Subject) => Promise<Figure>,
): Promise<readonly ReadonlyMap<Subject, Figure>[]> {
  const results: Map<Subject, Figure>[] = [];
  for (let round = 0; round < rounds; round++) {
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
