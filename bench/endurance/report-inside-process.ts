/**
 * Loaded into a gateway before it starts: on SIGUSR2 it collects garbage and writes what is still alive in the process to
 * the file that BENCH_INSIDE names.
 */
import { renameSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { queryObjects } from "node:v8";
import { isMainThread } from "node:worker_threads";

import type { InsideFigures } from "./inside.ts";

const file = process.env["BENCH_INSIDE"];
/** Node does not name the class of its timers. */
const Timer = setTimeout(() => undefined, 0).constructor as typeof Object;
let warnings = 0;

if (isMainThread && file !== undefined) {
  process.on("warning", ({ name }) => void (warnings += name === "MaxListenersExceededWarning" ? 1 : 0));
  process.on("SIGUSR2", () => {
    writeFileSync(`${file}.part`, JSON.stringify(figures()));
    renameSync(`${file}.part`, file);
  });
}

function figures(): InsideFigures {
  // Counting objects collects garbage first.
  const sockets = Number(queryObjects(Socket));
  const functions = Number(queryObjects(Function));
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    sockets,
    functions,
    timers: Number(queryObjects(Timer)),
    listenerWarnings: warnings,
    heldBytes: heapUsed + arrayBuffers,
  };
}
