/**
 * Loaded before a measured process's own code: from the first SIGUSR2 to the second it watches the event loop, and prints
 * how long that was held at most: by the clock, and by the processor time of one turn of the loop, which tells what other
 * programs took from it.
 */
import { writeSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const STDOUT = 1;
const held = monitorEventLoopDelay({ resolution: 1 });
let isWatching = false;
let worked = 0;
let before = 0;

process.on("SIGUSR2", () => {
  if (isWatching) writeSync(STDOUT, `held for ${held.max / 1e6} ms, ${worked} ms of processor time\n`);
  isWatching = !isWatching;
  if (!isWatching) return void held.disable();
  held.reset();
  held.enable();
  worked = 0;
  before = cpuMs();
  setImmediate(watch);
});

function watch(): void {
  const now = cpuMs();
  worked = Math.max(worked, now - before);
  before = now;
  if (isWatching) setImmediate(watch);
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
