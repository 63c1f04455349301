/** Loaded before a measured process's own code: on SIGUSR2 it prints how long its event loop was held since the last time. */
import { writeSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const STDOUT = 1;
const held = monitorEventLoopDelay({ resolution: 1 });
held.enable();
process.on("SIGUSR2", () => {
  writeSync(STDOUT, `held for ${held.max / 1e6} ms\n`);
  held.reset();
});
