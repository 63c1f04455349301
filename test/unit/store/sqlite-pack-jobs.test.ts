import { describe, expect, it } from "vitest";

import { packJobs, unpackJobs } from "../../../src/store/sqlite/pack-jobs.ts";
import type { WriteJob } from "../../../src/store/sqlite/write-job.ts";

describe("a batch on its way to the SQLite writer", () => {
  it("arrives as it was sent, whatever its jobs and whatever a commit leaves out, all its bytes in one buffer", () => {
    const packed = packJobs(jobs);
    const posted = structuredClone(packed, { transfer: [packed.buffer] });
    expect(packed.buffer.detached).toBe(true);
    expect(unpackJobs(posted)).toEqual(jobs);
  });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const fields = { owner: "o", createdAt: 1_700_000_000_000, expiresAt: 1_800_000_000_000, loadFrom: 7 };
const turn = { sequence: 8, id: "a".repeat(32), sealed: bytes("turn") };
const first = {
  kind: "commit",
  now: 1,
  key: "k",
  revision: "i.0",
  fields,
  head: bytes("head"),
  slots: [],
} as const;

const jobs: readonly WriteJob[] = [
  { ...first, expected: undefined, turn: undefined },
  { kind: "put-record", now: 2, name: "n", bytes: bytes("record"), expiresAt: undefined },
  {
    ...first,
    expected: "i.0",
    turn,
    slots: [
      ["summary", bytes("slot")],
      ["system", null],
      ["withheld", bytes("")],
    ],
  },
  { kind: "replace-record", now: 3, name: "n", expected: bytes("old"), bytes: bytes("new"), expiresAt: 9 },
  { kind: "sweep", now: 4 },
  { ...first, expected: "i.1", turn: { ...turn, sealed: bytes("last") } },
];
