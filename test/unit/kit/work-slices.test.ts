import { describe, expect, it } from "vitest";

import { runInSlices } from "../../../src/kit/run-in-slices.ts";
import { createSliceQueue } from "../../../src/kit/slice-queue.ts";
import { mapInSlices, sliceFor } from "../../../src/kit/work-slices.ts";
import { countLoopTurns } from "../../support/loop-turns.ts";

const repeats = (turns: readonly number[]): number => turns.length - new Set(turns).size;

describe("long work of several requests", () => {
  it("is let go one slice a turn of the event loop, in the order in which it came", async () => {
    const nextSlice = createSliceQueue();
    const turns = countLoopTurns();
    const gone: { worker: number; turn: number }[] = [];
    const work = async (worker: number): Promise<void> => {
      for (let slice = 0; slice < 3; slice += 1) {
        await nextSlice();
        gone.push({ worker, turn: turns.now() });
      }
    };
    await Promise.all([0, 1, 2, 3].map(work));
    turns.stop();
    expect(gone.map(({ worker }) => worker)).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    expect(repeats(gone.map(({ turn }) => turn))).toBe(0);
  });

  it("shares one queue, whether it is mapped or generated", async () => {
    const turns = countLoopTurns();
    const begun: number[] = [];
    const long = { bytesOf: () => 100_000, map: () => void begun.push(turns.now()) };
    const works = [0, 1, 2].flatMap(() => [
      async () => mapInSlices([1, 2, 3], long),
      async () => runInSlices(longSteps(turns.now, begun)),
    ]);
    await Promise.all(works.map((work) => work()));
    turns.stop();
    expect(begun.length).toBe(18);
    expect(repeats(begun)).toBe(0);
  });

  it("waits for a turn of its own, however many are about to begin", async () => {
    const turns = countLoopTurns();
    const begin = async (): Promise<number> => {
      await sliceFor(100_000);
      return turns.now();
    };
    const begun = await Promise.all([begin(), begin(), begin()]);
    turns.stop();
    expect(repeats(begun)).toBe(0);
    expect(sliceFor(1_000)).toBeUndefined();
  });

  it("goes on at once when it fits into a slice", () => {
    const short = { bytesOf: (text: string) => text.length, map: (text: string) => text.length };
    expect(mapInSlices(["a", "bc"], short)).toEqual([1, 2]);
  });

  it("counts many small items as long, and waits before what is done with all of them", async () => {
    const turns = countLoopTurns();
    const mapped = mapInSlices(Array(2_000).fill("a"), { bytesOf: () => 1, map: () => turns.now() });
    expect(mapped).toBeInstanceOf(Promise);
    const seen = new Set(await mapped);
    expect(seen.size).toBeGreaterThan(5);
    expect(seen.has(turns.now())).toBe(false);
    turns.stop();
  });
});

/** The first step is taken by the caller, so only what comes behind pauses is noted. */
function* longSteps(turnNow: () => number, begun: number[]): Generator<undefined, void> {
  for (let step = 0; step < 4; step += 1) {
    if (step > 0) begun.push(turnNow());
    const end = performance.now() + 6;
    while (performance.now() < end);
    yield;
  }
}
