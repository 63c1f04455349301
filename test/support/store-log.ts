import type { Log } from "../../src/kit/log.ts";

export interface RecordedLog {
  readonly log: Log;
  /** Names of the events so far, oldest first. */
  readonly events: string[];
}

export function createRecordedLog(): RecordedLog {
  const events: string[] = [];
  const record = (_fields: Readonly<Record<string, unknown>>, event: string): void => {
    events.push(event);
  };
  return { log: { info: record, warn: record, error: record }, events };
}
