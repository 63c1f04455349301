import { destination, pino } from "pino";

import type { Log } from "../kit/log.ts";

/** JSON lines on standard error, so that standard output stays free for the live line. */
export function createLog(level: string): Log {
  return pino({ level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` }, destination(2));
}
