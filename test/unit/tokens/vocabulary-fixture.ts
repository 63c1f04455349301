import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, onTestFinished } from "vitest";

import type { Log } from "../../../src/kit/log.ts";

function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), "stategate-tokens-"));
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = makeDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A directory for all tests of a suite. */
export function sharedDirectory(): string {
  const directory = makeDirectory();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface RecordingLog extends Log {
  readonly warnings: string[];
}

export function recordingLog(): RecordingLog {
  const warnings: string[] = [];
  return {
    warnings,
    info: () => {},
    warn: (_, event) => void warnings.push(event),
    error: (_, event) => void warnings.push(event),
  };
}
