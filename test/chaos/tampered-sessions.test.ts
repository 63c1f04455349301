/** What sealing alone cannot see, in numbers: stored messages removed, reordered, duplicated, moved or put back. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ask, callerHeaders, errorCodes, said, send, transcript } from "../support/fault-client.ts";
import { inCiOrProving } from "../support/prove.ts";
import { createRecordedLog, type RecordedLog } from "../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { openTamperedDatabase, type TamperedDatabase } from "../support/tampered-database.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const SESSIONS = inCiOrProving(64, 1_000);
const EARLY_TURNS = 2;
const TURNS = 3;
const LAST = TURNS - 1;
const AT_ONCE = 16;
const CALLER = { key: "sk-one", user: "ada" };

interface Snapshot {
  readonly now: TamperedDatabase;
  readonly early: TamperedDatabase;
}

interface Tampering {
  readonly what: string;
  /** `id` names a row of `sessions`, `other` another one. */
  readonly change: (snapshot: Snapshot, id: number, other: number) => void;
}

const moveTurn = (database: TamperedDatabase, session: number, { from, to }: { from: number; to: number }): void =>
  database.run("UPDATE turns SET sequence = ? WHERE session = ? AND sequence = ?", to, session, from);
const swapTurns = (database: TamperedDatabase, session: number): void => {
  moveTurn(database, session, { from: 0, to: 100 });
  moveTurn(database, session, { from: 1, to: 0 });
  moveTurn(database, session, { from: 100, to: 1 });
};
const copyTurn = (database: TamperedDatabase, from: { session: number; sequence: number }, to: typeof from): void =>
  database.run(
    "UPDATE turns SET (turn, sealed) = (SELECT turn, sealed FROM turns WHERE session = ? AND sequence = ?) WHERE session = ? AND sequence = ?",
    from.session,
    from.sequence,
    to.session,
    to.sequence,
  );
const removeTurn = (database: TamperedDatabase, session: number, sequence: number): void =>
  database.run("DELETE FROM turns WHERE session = ? AND sequence = ?", session, sequence);
const rollHeadBack = ({ now, early }: Snapshot, id: number): void => {
  const old = early.sessions().find((row) => row.id === id);
  now.run("UPDATE sessions SET head = ?, revision = ? WHERE id = ?", old?.head ?? "", old?.revision ?? "", id);
};

const tamperings: readonly Tampering[] = [
  { what: "first turn removed", change: ({ now }, id) => removeTurn(now, id, 0) },
  { what: "middle turn removed", change: ({ now }, id) => removeTurn(now, id, 1) },
  { what: "last turn removed", change: ({ now }, id) => removeTurn(now, id, LAST) },
  { what: "all turns removed", change: ({ now }, id) => now.run("DELETE FROM turns WHERE session = ?", id) },
  { what: "two turns swapped", change: ({ now }, id) => swapTurns(now, id) },
  {
    what: "a turn twice, at the end",
    change: ({ now }, id) =>
      now.run(
        "INSERT INTO turns (session, sequence, turn, sealed) SELECT session, ?, turn, sealed FROM turns WHERE session = ? AND sequence = 0",
        TURNS,
        id,
      ),
  },
  {
    what: "a turn twice, in another's place",
    change: ({ now }, id) => copyTurn(now, { session: id, sequence: 0 }, { session: id, sequence: 1 }),
  },
  {
    what: "a turn of another session",
    change: ({ now }, id, other) => copyTurn(now, { session: other, sequence: 1 }, { session: id, sequence: 1 }),
  },
  { what: "its head put back, its turns not", change: (snapshot, id) => rollHeadBack(snapshot, id) },
  {
    what: "its turns put back, its head not, and the last one doubled",
    change: ({ now }, id) => copyTurn(now, { session: id, sequence: 1 }, { session: id, sequence: LAST }),
  },
];
/** One more share of the sessions is put back as a whole, under a gateway that knew them. */
const shareOf = (session: number): Tampering | undefined => tamperings[session % (tamperings.length + 1)];

const names = Array.from({ length: SESSIONS }, (_, index) => `session-${index}`);
const callerOf = (session: string) => ({ ...CALLER, session });

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

describe("stored sessions that were tampered with", () => {
  let folder: TempFolder;
  let gateway: TestGateway;
  let recorded: RecordedLog;
  let path: string;
  const open = (): Promise<TestGateway> =>
    startTestGateway({ log: recorded.log, env: { STATEGATE_STORE: `sqlite:${path}` } });
  const talk = async (session: string, turn: number): Promise<void> => {
    const { status } = await ask(gateway.url, { ...callerOf(session), messages: [said(`${turn} [[len:1]]`)] });
    expect(status).toBe(200);
  };
  const withDatabases = (work: (snapshot: Snapshot) => void): void => {
    const [now, early] = [openTamperedDatabase(path), openTamperedDatabase(join(folder.path, "early.db"))];
    work({ now, early });
    now.close();
    early.close();
  };

  beforeAll(async () => {
    recorded = createRecordedLog();
    folder = await createTempFolder();
    path = join(folder.path, "stategate.db");
    gateway = await open();
    // One by one, so that rows have the order of their names.
    for (const name of names) await talk(name, 0);
    for (let turn = 1; turn < EARLY_TURNS; turn += 1) await inParallel(names, (name) => talk(name, turn));
    await gateway.close();
    await copyFile(path, join(folder.path, "early.db"));
    gateway = await open();
    for (let turn = EARLY_TURNS; turn < TURNS; turn += 1) await inParallel(names, (name) => talk(name, turn));
    await gateway.close();
  }, 600_000);
  afterAll(async () => {
    await gateway.close();
    await folder.remove();
  });

  it("are refused, every one, and what was not touched is whole", { timeout: 600_000 }, async () => {
    withDatabases((snapshot) => {
      const rows = snapshot.now.sessions();
      expect(rows).toHaveLength(SESSIONS);
      rows.forEach(({ id }, index) => shareOf(index)?.change(snapshot, id, rows[(index + 1) % SESSIONS]?.id ?? id));
    });
    gateway = await open();
    const missed: string[] = [];
    await inParallel([...names.keys()], async (index) => {
      const tampering = shareOf(index);
      const session = names[index] ?? "";
      if (!tampering) return expect(await transcript(gateway.url, session, CALLER)).toHaveLength(2 * TURNS);
      const url = `${gateway.url}/sessions/${session}/messages`;
      const answer = await send(url, { headers: callerHeaders(callerOf(session)) });
      if (answer.status !== 500 || errorCodes(answer)[0] !== "record_unreadable") missed.push(tampering.what);
    });
    const tried = names.filter((_, index) => shareOf(index)).length;
    process.stdout.write(
      `sessions tampered with in ${tamperings.length} ways: ${tried}, detected: ${tried - missed.length}\n`,
    );
    expect(missed).toEqual([]);
  });

  it("are noticed as put back, as a whole, by a gateway that knew them", async () => {
    const known = names.filter((_, index) => !shareOf(index));
    withDatabases((snapshot) => {
      const rows = snapshot.now.sessions();
      rows.forEach(({ id }, index) => {
        if (shareOf(index)) return;
        rollHeadBack(snapshot, id);
        removeTurn(snapshot.now, id, LAST);
      });
    });
    await inParallel(known, async (session) => {
      expect(await transcript(gateway.url, session, CALLER)).toHaveLength(2 * EARLY_TURNS);
    });
    const noticed = recorded.events.filter((event) => event.includes("went back")).length;
    process.stdout.write(`sessions put back as a whole: ${known.length}, noticed: ${noticed}\n`);
    expect(noticed).toBe(known.length);
  });
});
