/** Promise P4: what was made to be slow takes time in proportion, in slices that leave everybody else their turns. */
import { afterAll, describe, expect, it } from "vitest";

import { HOSTILE_SHAPES, repeated } from "../../support/pii/hostile-shapes.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { name, redactor } from "./redaction-probe.ts";

const SIZES = [10_000, 100_000, 1_000_000].slice(0, inCiOrProving(2, 3));
const SHAPES = HOSTILE_SHAPES.slice(0, inCiOrProving(36, HOSTILE_SHAPES.length));

/** Milliseconds this thread has computed: other processes of a busy machine do not count. */
const computedMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** The longest computation between two turns of the event loop while `work` ran. */
async function longestGap(work: () => Promise<unknown>): Promise<number> {
  let last = computedMs();
  let longest = 0;
  let isDone = false;
  const watch = (): void => {
    longest = Math.max(longest, computedMs() - last);
    last = computedMs();
    if (!isDone) setImmediate(watch);
  };
  setImmediate(watch);
  await work();
  isDone = true;
  return Math.max(longest, computedMs() - last);
}

const worst = new Map<number, { gap: number; ms: number; shape: string }>();
afterAll(() => {
  for (const [size, { gap, ms, shape }] of worst)
    process.stdout.write(
      `P4, ${SHAPES.length} shapes of ${size}: longest slice ${gap.toFixed(1)} ms of CPU (${JSON.stringify(shape)}), slowest in all ${ms.toFixed(0)} ms\n`,
    );
});

describe("a hostile text", () => {
  it.each(SHAPES)("%j is redacted, however long, and the outcome is final", async (unit) => {
    for (const size of SIZES) {
      const message = { role: "user", content: repeated(unit, size) };
      let stored: unknown;
      const startedAt = computedMs();
      const gap = await longestGap(async () => {
        [stored] = await redactor.redact([message], name);
      });
      const ms = computedMs() - startedAt;
      const before = worst.get(size) ?? { gap: 0, ms: 0, shape: "" };
      worst.set(size, {
        gap: Math.max(gap, before.gap),
        ms: Math.max(ms, before.ms),
        shape: gap > before.gap ? unit : before.shape,
      });
      expect(stored).toMatchObject({ message: { role: "user" } });
    }
  });
});
