import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

import { CommandError } from "./command.ts";

export interface NumberedLine {
  readonly number: number;
  readonly text: string;
}

const BATCH_LINES = 1_000;

/** The lines of a file that are not empty, in batches: a file may be larger than memory. */
export async function* readLines(path: string): AsyncGenerator<readonly NumberedLine[]> {
  let batch: NumberedLine[] = [];
  let number = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      number += 1;
      if (text !== "") batch.push({ number, text });
      if (batch.length < BATCH_LINES) continue;
      yield batch;
      batch = [];
    }
  } catch (cause) {
    if (cause instanceof Error && "syscall" in cause) throw new CommandError(`${path} cannot be read`, { cause });
    throw cause;
  }
  if (batch.length > 0) yield batch;
}
