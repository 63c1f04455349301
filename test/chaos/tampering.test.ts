/** A hand in the database: whatever it changes, the session refuses to open, no model is asked, and its neighbours stay readable. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { ask, callerHeaders, errorCodes, said, send, textOf, transcript } from "../support/fault-client.ts";
import { createRecordedLog, type RecordedLog } from "../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { flipByte, openTamperedDatabase, type TamperedDatabase } from "../support/tampered-database.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const TURNS = 4;
const ADMIN_KEY = "admin-key-of-this-test";
const VICTIM = { session: "victim", key: "sk-one", user: "ada" };
const NEIGHBOUR = { session: "neighbour", key: "sk-one", user: "ada" };
const STRANGER = { session: "victim", key: "sk-two", user: "bob" };
const everyone = [VICTIM, NEIGHBOUR, STRANGER];

let folder: TempFolder;
let path: string;
let gateway: TestGateway;
let recorded: RecordedLog;
beforeEach(async () => {
  recorded = createRecordedLog();
  folder = await createTempFolder();
  path = join(folder.path, "stategate.db");
  gateway = await open();
  for (const caller of everyone) for (let turn = 0; turn < TURNS; turn += 1) await talk(caller, turn);
});
afterEach(async () => {
  await gateway.close();
  await folder.remove();
});

const open = (): Promise<TestGateway> =>
  startTestGateway({
    log: recorded.log,
    env: { STATEGATE_STORE: `sqlite:${path}`, STATEGATE_IDENTITY__ADMIN_KEY: ADMIN_KEY },
  });

const linesOf = ({ user, session }: typeof VICTIM, turns = TURNS): string[] =>
  Array.from({ length: turns }, (_, turn) => [
    `user: ${turn} of ${user} in ${session} [[len:1]]`,
    "assistant: word0",
  ]).flat();

async function talk(caller: typeof VICTIM, turn: number): Promise<void> {
  const text = `${turn} of ${caller.user} in ${caller.session} [[len:1]]`;
  const messages = [{ role: "system", content: `be kind to ${caller.user}` }, said(text)];
  const { status } = await ask(gateway.url, { ...caller, messages });
  expect(status).toBe(200);
}

/** With the gateway down, as somebody with the file would do it. */
async function tamper(change: (database: TamperedDatabase) => void): Promise<void> {
  await gateway.close();
  const database = openTamperedDatabase(path);
  change(database);
  database.close();
  gateway = await open();
}

async function expectUnreadable(caller: typeof VICTIM): Promise<void> {
  const asked = gateway.upstream.log.filter(({ method }) => method === "POST").length;
  for (const stream of [false, true]) {
    for (const messages of [[said("more")], [said("a"), { role: "assistant", content: "b" }, said("more")]]) {
      const answer = await ask(gateway.url, { ...caller, stream, messages });
      expect({ status: answer.status, codes: errorCodes(answer) }).toEqual({
        status: 500,
        codes: ["record_unreadable"],
      });
    }
  }
  expect(gateway.upstream.log.filter(({ method }) => method === "POST").length).toBe(asked);
  const read = await send(`${gateway.url}/sessions/${caller.session}/messages`, { headers: callerHeaders(caller) });
  expect({ status: read.status, codes: errorCodes(read) }).toEqual({ status: 500, codes: ["record_unreadable"] });
}

/** Whole, listed, and able to go on. */
async function expectReadable(caller: typeof VICTIM, turns = TURNS): Promise<void> {
  expect(await transcript(gateway.url, caller.session, caller)).toEqual(linesOf(caller, turns));
  const answer = await ask(gateway.url, { ...caller, messages: [said("more [[len:1]]")] });
  expect({ status: answer.status, text: textOf(answer) }).toEqual({ status: 200, text: "word0" });
  const { body } = await send(`${gateway.url}/sessions`, { headers: callerHeaders(caller) });
  const { data } = JSON.parse(body) as { data: readonly { id: string }[] };
  expect(data.map(({ id }) => id)).toContain(caller.session);
}

const idOf = (database: TamperedDatabase, caller: typeof VICTIM): number =>
  database.sessions()[everyone.indexOf(caller)]?.id ?? -1;

interface Tampering {
  readonly what: string;
  readonly change: (database: TamperedDatabase, victim: number) => void;
}

const sealedTurn = (database: TamperedDatabase, session: number, sequence: number): Uint8Array =>
  database.blob("SELECT sealed FROM turns WHERE session = ? AND sequence = ?", session, sequence);

const flips = [0, 1, 2, 16, 40, -1, -17].flatMap((at): Tampering[] => [
  {
    what: `byte ${at} of a turn flipped`,
    change: (database, victim) => {
      const flipped = flipByte(sealedTurn(database, victim, 1), at);
      database.run("UPDATE turns SET sealed = ? WHERE session = ? AND sequence = 1", flipped, victim);
    },
  },
  {
    what: `byte ${at} of the head flipped`,
    change: (database, victim) => {
      const flipped = flipByte(database.blob("SELECT head FROM sessions WHERE id = ?", victim), at);
      database.run("UPDATE sessions SET head = ? WHERE id = ?", flipped, victim);
    },
  },
  {
    what: `byte ${at} of a slot flipped`,
    change: (database, victim) => {
      const flipped = flipByte(database.blob("SELECT sealed FROM slots WHERE session = ?", victim), at);
      database.run("UPDATE slots SET sealed = ? WHERE session = ?", flipped, victim);
    },
  },
]);

const moves: readonly Tampering[] = [
  ...[0, 1, TURNS - 1].map((sequence): Tampering => ({
    what: `turn ${sequence} deleted`,
    change: (database, victim) =>
      database.run("DELETE FROM turns WHERE session = ? AND sequence = ?", victim, sequence),
  })),
  {
    what: "all turns deleted",
    change: (database, victim) => database.run("DELETE FROM turns WHERE session = ?", victim),
  },
  {
    what: "its slots cleared",
    change: (database, victim) => database.run("DELETE FROM slots WHERE session = ?", victim),
  },
  {
    what: "two turns in each other's place",
    change: (database, victim) => {
      const move = (from: number, to: number) =>
        database.run("UPDATE turns SET sequence = ? WHERE session = ? AND sequence = ?", to, victim, from);
      move(1, 100);
      move(2, 1);
      move(100, 2);
    },
  },
  {
    what: "one turn twice",
    change: (database, victim) =>
      database.run(
        "INSERT INTO turns (session, sequence, turn, sealed) SELECT session, ?, turn, sealed FROM turns WHERE session = ? AND sequence = 1",
        TURNS,
        victim,
      ),
  },
  {
    what: "a turn's id changed",
    change: (database, victim) =>
      database.run("UPDATE turns SET turn = ? WHERE session = ? AND sequence = 1", "0".repeat(32), victim),
  },
  {
    what: "a turn of the same user's other session in it",
    change: (database, victim) => swapTurns(database, victim, idOf(database, NEIGHBOUR)),
  },
  {
    what: "a turn of another user's session in it",
    change: (database, victim) => swapTurns(database, victim, idOf(database, STRANGER)),
  },
  {
    what: "the head of the same user's other session",
    change: (database, victim) => copyHead(database, idOf(database, NEIGHBOUR), victim),
  },
  {
    what: "the head of another user's session of the same name",
    change: (database, victim) => copyHead(database, idOf(database, STRANGER), victim),
  },
  {
    what: "another incarnation",
    change: (database, victim) =>
      database.run("UPDATE sessions SET revision = ? WHERE id = ?", `${"0".repeat(32)}.${TURNS}`, victim),
  },
  {
    what: "where it is to be read from moved",
    change: (database, victim) => database.run("UPDATE sessions SET load_from = 2 WHERE id = ?", victim),
  },
  {
    what: "its head in place of its slot",
    change: (database, victim) =>
      database.run("UPDATE slots SET sealed = (SELECT head FROM sessions WHERE id = ?1) WHERE session = ?1", victim),
  },
  {
    what: "clear text in a turn",
    change: (database, victim) =>
      database.run(
        "UPDATE turns SET sealed = ? WHERE session = ? AND sequence = 1",
        Buffer.from('{"messages":[]}'),
        victim,
      ),
  },
  {
    what: "an empty head",
    change: (database, victim) => database.run("UPDATE sessions SET head = ? WHERE id = ?", new Uint8Array(), victim),
  },
];

/** Only what is put into the victim's session: the other one keeps its own. */
function swapTurns(database: TamperedDatabase, victim: number, other: number): void {
  database.run(
    "UPDATE turns SET (turn, sealed) = (SELECT turn, sealed FROM turns WHERE session = ?1 AND sequence = 1) WHERE session = ?2 AND sequence = 1",
    other,
    victim,
  );
}

function copyHead(database: TamperedDatabase, from: number, to: number): void {
  database.run("UPDATE sessions SET head = (SELECT head FROM sessions WHERE id = ?1) WHERE id = ?2", from, to);
}

describe("a session with", () => {
  it.each([...flips, ...moves])("$what is unreadable, and its neighbours are not", async ({ change }) => {
    await tamper((database) => change(database, idOf(database, VICTIM)));
    await expectUnreadable(VICTIM);
    await expectReadable(NEIGHBOUR);
    await expectReadable(STRANGER);
  });
});

describe("a session that cannot be opened", () => {
  const auditedFailures = async (): Promise<number> => {
    const url = `${gateway.origin}/admin/audit?event=crypt_decrypt_fail&limit=100`;
    const { status, body } = await send(url, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    expect(status).toBe(200);
    return (JSON.parse(body) as { data: readonly unknown[] }).data.length;
  };

  it("is in the audit log each time that somebody tries, and nobody else's is", async () => {
    await tamper((database) => copyHead(database, idOf(database, STRANGER), idOf(database, VICTIM)));
    await expectReadable(STRANGER);
    expect(await auditedFailures()).toBe(0);
    await expectUnreadable(VICTIM);
    const tries = await auditedFailures();
    expect(tries).toBeGreaterThanOrEqual(5);
    // In a listing it is left out, which is noted as well.
    await expectReadable(NEIGHBOUR);
    expect(await auditedFailures()).toBe(tries + 1);
  });
});

describe("a database that was tampered with as a whole", () => {
  it("gives a session to nobody else: rows under another user's key are unreadable there", async () => {
    await tamper((database) => {
      const [victim, stranger] = [idOf(database, VICTIM), idOf(database, STRANGER)];
      const [ownKey, strangersKey] = [victim, stranger].map(
        (id) => database.sessions().find((row) => row.id === id)?.key ?? "",
      );
      database.run("UPDATE sessions SET key = 'none' WHERE id = ?", victim);
      database.run("UPDATE sessions SET key = ? WHERE id = ?", ownKey ?? "", stranger);
      database.run("UPDATE sessions SET key = ? WHERE id = ?", strangersKey ?? "", victim);
    });
    await expectUnreadable(VICTIM);
    await expectUnreadable(STRANGER);
    await expectReadable(NEIGHBOUR);
  });

  it("lists no session under another owner", async () => {
    await tamper((database) =>
      database.run("UPDATE sessions SET owner = (SELECT owner FROM sessions WHERE id = ?1)", idOf(database, STRANGER)),
    );
    const { status, body } = await send(`${gateway.url}/sessions`, { headers: callerHeaders(STRANGER) });
    const { data } = JSON.parse(body) as { data: readonly { title: string }[] };
    expect(status).toBe(200);
    expect(data.map(({ title }) => title)).toEqual([expect.stringContaining("bob")]);
  });

  it("with a user's data key exchanged: all of this user's sessions are unreadable, nobody else's, and no new key is minted", async () => {
    await tamper((database) => {
      database.overwriteRecords("data-key:%", flipByte(database.record("data-key:%"), -1));
    });
    await expectUnreadable(VICTIM);
    await expectUnreadable(NEIGHBOUR);
    // A new session of the same user is answered, flagged and not stored: nothing can be sealed.
    const answer = await ask(gateway.url, { ...VICTIM, session: "fresh", messages: [said("hello [[len:1]]")] });
    expect({ status: answer.status, text: textOf(answer) }).toEqual({ status: 200, text: "word0" });
    expect(answer.headers["x-session-degraded"]).toBe("seal_failed");
    expect(await transcript(gateway.url, "fresh", VICTIM)).toEqual([]);
  });
});

describe("a session that was rolled back", () => {
  it("only in its system messages is unreadable", async () => {
    const slotOf = (database: TamperedDatabase): Uint8Array =>
      database.blob("SELECT sealed FROM slots WHERE session = ?", idOf(database, VICTIM));
    const database = openTamperedDatabase(path);
    const old = slotOf(database);
    database.close();
    const messages = [{ role: "system", content: "never tell" }, said("more [[len:1]]")];
    expect((await ask(gateway.url, { ...VICTIM, messages })).status).toBe(200);
    await tamper((changed) => {
      expect(slotOf(changed)).not.toEqual(old);
      changed.run("UPDATE slots SET sealed = ? WHERE session = ?", old, idOf(changed, VICTIM));
    });
    await expectUnreadable(VICTIM);
    await expectReadable(NEIGHBOUR);
  });

  const rollBack = async (rollBackFile: (copy: string) => Promise<void>): Promise<void> => {
    const copy = join(folder.path, "copy.db");
    await gateway.close();
    await copyFile(path, copy);
    gateway = await open();
    await talk(VICTIM, TURNS);
    await rollBackFile(copy);
  };
  const rollBackHead = (copy: string, database: TamperedDatabase): void => {
    const old = openTamperedDatabase(copy);
    const { head, revision } = old.sessions()[0] ?? { head: new Uint8Array(), revision: "" };
    old.close();
    database.run("UPDATE sessions SET head = ?, revision = ? WHERE id = ?", head, revision, idOf(database, VICTIM));
  };
  const rollBackAll = (copy: string, database: TamperedDatabase): void => {
    rollBackHead(copy, database);
    database.run("DELETE FROM turns WHERE session = ? AND sequence = ?", idOf(database, VICTIM), TURNS);
  };

  it("only in its head is unreadable: there is a turn too many", async () => {
    await rollBack((copy) => tamper((database) => rollBackHead(copy, database)));
    await expectUnreadable(VICTIM);
    await expectReadable(NEIGHBOUR);
  });

  it("as a whole is an older, sound session; a replica that knew it later says that it went back", async () => {
    await rollBack(async (copy) => {
      const database = openTamperedDatabase(path);
      rollBackAll(copy, database);
      database.close();
    });
    await expectReadable(VICTIM);
    await expectReadable(NEIGHBOUR);
    expect(recorded.events.filter((event) => event.includes("went back"))).toHaveLength(1);
  });

  it("as a whole goes unseen by a replica that never knew it: we say no more than that", async () => {
    await rollBack((copy) => tamper((database) => rollBackAll(copy, database)));
    await expectReadable(VICTIM);
    await expectReadable(NEIGHBOUR);
    expect(recorded.events.filter((event) => event.includes("went back"))).toEqual([]);
  });
});
