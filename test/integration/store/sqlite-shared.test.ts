import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openSqliteBackend } from "../../../src/store/sqlite/sqlite-backend.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { auditRowOf, chainName } from "../../support/audit-rows.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

/** Each has connections and a writer thread of its own: to SQLite they are as strange to each other as processes. */
let backends: readonly StoreBackend[];
let folder: TempFolder;
beforeEach(async () => {
  folder = await createTempFolder();
  const path = join(folder.path, "stategate.db");
  const open = (): Promise<StoreBackend> => openSqliteBackend({ path, clock: Date.now, log: createRecordedLog().log });
  backends = await Promise.all([open(), open(), open()]);
});
afterEach(async () => {
  await Promise.all(backends.map((backend) => backend.close()));
  await folder.remove();
});

describe("several processes on one SQLite file", () => {
  it("together never take more than a window's limit", async () => {
    const window = { startsAt: 0, endsAt: Date.now() + 60_000, limit: 500 };
    const grants = await Promise.all(fromEach(64, ({ quotas }) => quotas.take("q", window, 5)));
    expect(grants.reduce((sum, { granted }) => sum + granted, 0)).toBe(500);
  });

  it("together never hold more places than there are", async () => {
    const places = { count: 7, limit: 50, ttlMs: 60_000 };
    const held = await Promise.all(fromEach(10, ({ quotas }, holder) => quotas.hold("q", holder, places)));
    expect(held.reduce((sum, count) => sum + count, 0)).toBe(50);
  });

  it("agree on who replaced a record", async () => {
    const expected = randomBytes(32);
    await backends[0]?.records.putIfAbsent("record", expected);
    const answers = await Promise.all(
      fromEach(20, ({ records }) => records.replace("record", { expected, bytes: randomBytes(32) })),
    );
    expect(answers.filter(Boolean)).toHaveLength(1);
  });

  it("agree on who has a place in an audit chain", async () => {
    const chain = chainName();
    const outcomes = await Promise.allSettled(fromEach(10, ({ audit }) => audit.append([auditRowOf({ chain })])));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("hear every notice once and in one order", async () => {
    const start = (await backends[0]?.notices.read(undefined))?.cursor;
    const posted = fromEach(40, async ({ notices }, poster) => {
      await notices.post(poster);
      return poster;
    });
    const heard = backends.map(async ({ notices }) => {
      const seen: string[] = [];
      for (let cursor = start; seen.length < posted.length;) {
        const page = await notices.read(cursor);
        seen.push(...page.notices);
        cursor = page.cursor;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return seen;
    });
    const [first = [], ...others] = await Promise.all(heard);
    expect(first.toSorted()).toEqual((await Promise.all(posted)).toSorted());
    for (const seen of others) expect(seen).toEqual(first);
  });
});

function fromEach<T>(times: number, call: (backend: StoreBackend, caller: string) => Promise<T>): Promise<T>[] {
  return backends.flatMap((backend, process) =>
    Array.from({ length: times }, (_, index) => call(backend, `${process}:${index}`)),
  );
}
