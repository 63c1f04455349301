import { setImmediate as nextTurn } from "node:timers/promises";

/** Leaves room for the one step that may begin just before a slice ends. */
const SLICE_MS = 5;

/** Runs a generator to its end, giving the event loop a turn whenever a slice of time is used up between its steps. */
export async function runInSlices<Outcome>(work: Generator<undefined, Outcome>): Promise<Outcome> {
  let sliceEnd = performance.now() + SLICE_MS;
  for (let step = work.next(); ; step = work.next()) {
    if (step.done === true) return step.value;
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + SLICE_MS;
  }
}
