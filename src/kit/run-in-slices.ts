import { nextSlice } from "./slice-queue.ts";

/** Leaves room for the one step that may begin just before a slice ends. */
const SLICE_MS = 5;

/**
 * Runs a generator to its end, giving the event loop a turn whenever a slice of time is used up between its steps. What
 * is done within one slice, as nearly all work is, waits for nothing.
 */
export function runInSlices<Outcome>(work: Generator<undefined, Outcome>): Outcome | Promise<Outcome> {
  const step = runSlice(work);
  return step.done === true ? step.value : goOn(work);
}

async function goOn<Outcome>(work: Generator<undefined, Outcome>): Promise<Outcome> {
  for (;;) {
    await nextSlice();
    const step = runSlice(work);
    if (step.done === true) return step.value;
  }
}

function runSlice<Outcome>(work: Generator<undefined, Outcome>): IteratorResult<undefined, Outcome> {
  const sliceEnd = performance.now() + SLICE_MS;
  for (;;) {
    const step = work.next();
    if (step.done === true || performance.now() >= sliceEnd) return step;
  }
}
