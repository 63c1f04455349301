import type { Awaitable } from "./awaitable.ts";
import { nextSlice } from "./slice-queue.ts";

/** Leaves room for the one step that may begin just before a slice ends. */
const SLICE_MS = 5;
/** Nobody waits for the first slice, so those of several requests may fall into one turn of the event loop. */
const FIRST_SLICE_MS = 2;

/**
 * Runs a generator to its end, giving the event loop a turn whenever a slice of time is used up between its steps. What
 * is done within one slice, as nearly all work is, waits for nothing.
 */
export function runInSlices<Outcome>(work: Generator<undefined, Outcome>): Awaitable<Outcome> {
  const step = runSlice(work, FIRST_SLICE_MS);
  return step.done === true ? step.value : goOn(work);
}

async function goOn<Outcome>(work: Generator<undefined, Outcome>): Promise<Outcome> {
  for (;;) {
    await nextSlice();
    const step = runSlice(work, SLICE_MS);
    if (step.done === true) return step.value;
  }
}

function runSlice<Outcome>(work: Generator<undefined, Outcome>, ms: number): IteratorResult<undefined, Outcome> {
  const sliceEnd = performance.now() + ms;
  for (;;) {
    const step = work.next();
    if (step.done === true || performance.now() >= sliceEnd) return step;
  }
}
