import fc from "fast-check";
import { expect, it } from "vitest";

import type { Limits } from "../../../src/limits/limits.ts";
import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { QuotaStore } from "../../../src/store/quota-store.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { createReplicas, MIDNIGHT, MINUTE, user } from "./limiter-fixtures.ts";

/** A store whose answers come when the test says so, in any order. */
function createSlowQuotas(inner: QuotaStore) {
  const pending: (() => void)[] = [];
  const later = <T>(ask: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      pending.push(() => void ask().then(resolve, reject));
    });
  const quotas: QuotaStore = {
    take: (...asked) => later(() => inner.take(...asked)),
    hold: (...asked) => later(() => inner.hold(...asked)),
    forget: (...asked) => later(() => inner.forget(...asked)),
  };
  return {
    quotas,
    answer: (which: number): void => pending.splice(which % Math.max(1, pending.length), 1)[0]?.(),
  };
}

/** Promises only: no step of a sequence waits for anything else. */
async function microtasks(): Promise<void> {
  for (let index = 0; index < 30; index += 1) await Promise.resolve();
}

type Step = readonly [kind: "admit" | "answer" | "end" | "wait", which: number, count: number];
const step = (kind: Step[0], most: number) =>
  fc.tuple(fc.constant(kind), fc.nat(100), fc.integer({ min: 1, max: most }));

const sequences = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: step("admit", 9) },
    { weight: 6, arbitrary: step("answer", 4) },
    { weight: 3, arbitrary: step("end", 9) },
    { weight: 1, arbitrary: step("wait", 70_000) },
  ),
  { minLength: 10, maxLength: 80 },
);

/** Plays a sequence on three replicas and looks after each step. Resolves to how many requests were decided. */
async function play(limits: Limits, sequence: readonly Step[], look: (seen: Seen) => void): Promise<number> {
  let now = MIDNIGHT;
  let decisions = 0;
  const clock = () => now;
  const slow = createSlowQuotas(createMemoryBackend({ clock }).quotas);
  const { replica } = createReplicas(limits, { clock, quotas: slow.quotas });
  const limiters = [replica(), replica(), replica()];
  const seen: Seen = { running: [], admitted: new Map() };
  const admit = (which: number): void =>
    void Promise.resolve(limiters[which % 3]?.admit(user("ada"))).then(
      (granted) => {
        const window = Math.floor(now / MINUTE);
        seen.admitted.set(window, (seen.admitted.get(window) ?? 0) + 1);
        seen.running.push(() => granted?.done(0));
        decisions += 1;
      },
      () => (decisions += 1),
    );
  for (const [kind, which, count] of sequence) {
    if (kind === "wait") now += limits.concurrentRequests === undefined ? count : 0;
    for (let index = 0; index < count && kind !== "wait"; index += 1) {
      if (kind === "admit") admit(which);
      else if (kind === "answer") slow.answer(which + index);
      else seen.running.splice(which % Math.max(1, seen.running.length), 1)[0]?.();
    }
    await microtasks();
    look(seen);
  }
  for (const limiter of limiters) void limiter.close();
  return decisions;
}

interface Seen {
  readonly running: (() => void)[];
  readonly admitted: Map<number, number>;
}

const runs = inCiOrProving(150, 5_000);

it("however three replicas ask and are answered, no window grants more than its limit", async () => {
  let decisions = 0;
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(sequences, fc.integer({ min: 1, max: 90 }), async (sequence, limit) => {
      decisions += await play({ requestsPerMinute: limit }, sequence, ({ admitted }) => {
        expect(Math.max(0, ...admitted.values())).toBeLessThanOrEqual(limit);
        passed += Math.max(0, ...admitted.values()) === limit ? 1 : 0;
      });
    }),
    { numRuns: runs },
  );
  process.stdout.write(`request windows, ${runs} interleavings: ${decisions} decisions, 0 over a limit\n`);
  expect(passed).toBeGreaterThan(0);
}, 300_000);

it("however three replicas ask and are answered, no more requests run at once than there are places", async () => {
  let decisions = 0;
  let full = 0;
  await fc.assert(
    fc.asyncProperty(sequences, fc.integer({ min: 1, max: 45 }), async (sequence, limit) => {
      decisions += await play({ concurrentRequests: limit }, sequence, ({ running }) => {
        expect(running.length).toBeLessThanOrEqual(limit);
        full += running.length === limit ? 1 : 0;
      });
    }),
    { numRuns: runs },
  );
  process.stdout.write(`places, ${runs} interleavings: ${decisions} decisions, 0 over a limit\n`);
  expect(full).toBeGreaterThan(0);
}, 300_000);
