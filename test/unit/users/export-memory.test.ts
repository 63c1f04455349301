import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";

import { describe, expect, it, vi } from "vitest";

import { sendExport } from "../../../src/http/send-export.ts";
import { foldRecordChain } from "../../../src/sealing/chain.ts";
import type { Sealer } from "../../../src/sealing/sealer.ts";
import { encodeHead } from "../../../src/session/session-head.ts";
import { encodeTurnRecord } from "../../../src/session/turn-record-codec.ts";
import type { SessionRow, SessionStore } from "../../../src/store/session-store.ts";
import { exportUser } from "../../../src/users/export-user.ts";
import { noAuditLog } from "../../support/no-audit-log.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { message, openedSession, turnRecord } from "../turn/turn-fixtures.ts";

const MEGABYTE = 1 << 20;
const TURN_BYTES = 64 << 10;
const EXPORTED_BYTES = inCiOrProving(128, 1_024) * MEGABYTE;
const ALLOWED_BYTES = 50 * MEGABYTE;

const clear: Sealer = {
  forSession: async () => ({ seal: (_kind, _id, bytes) => bytes, open: (_kind, _id, bytes) => bytes }),
  forNewSession: () => expect.unreachable("an export makes no session"),
  isCurrent: async () => true,
  forAudit: async () => undefined,
  forget: () => undefined,
  forgetAll: () => undefined,
};

/** One session with so many turns of one size, made while they are read: nothing but the export can hold them. */
function createLongSession(turns: number) {
  const id = "0".repeat(32);
  const long = turnRecord(id, { messages: [message("user", randomBytes(TURN_BYTES / 2).toString("hex"))] });
  const sealed = encodeTurnRecord(long);
  let chain = "";
  for (let turn = 0; turn < turns; turn += 1) chain = foldRecordChain(chain, id, sealed);
  const head = encodeHead(openedSession([], { records: turns, recordChain: chain }).head);
  const fields = { owner: "owner", createdAt: 1, expiresAt: 2, loadFrom: 0 };
  const row: SessionRow = { key: "key", revision: "life.1", fields, head };
  const read = { ranges: 0, turns: 0 };
  const sessions: Pick<SessionStore, "list" | "load" | "readTurns"> = {
    list: async (_owner, { after }) => (after ? [] : [row]),
    load: async () => ({ revision: row.revision, fields, head, slots: new Map(), turns: [] }),
    async readTurns(_key, from, to) {
      read.ranges += 1;
      read.turns += to - from;
      return Array.from({ length: to - from }, (_, index) => ({
        sequence: from + index,
        id,
        sealed: Buffer.from(sealed),
      }));
    },
  };
  return { sessions: sessions as SessionStore, read };
}

const partsOf = ({ sessions }: { sessions: SessionStore }) => ({ sessions, sealer: clear, clock: () => 0 });

describe("an export's memory", () => {
  it(`grows by less than 50 MB over ${EXPORTED_BYTES / MEGABYTE} MB`, { timeout: 300_000 }, async () => {
    const session = createLongSession(EXPORTED_BYTES / TURN_BYTES);
    const before = process.memoryUsage().rss;
    let most = before;
    let bytes = 0;
    let last = "";
    for await (const line of exportUser(partsOf(session), "owner")) {
      bytes += line.length;
      last = line.subarray(0, 100).toString();
      most = Math.max(most, process.memoryUsage.rss());
    }
    expect(bytes).toBeGreaterThan(EXPORTED_BYTES);
    expect(JSON.parse(`${last.split(',"sha256"')[0]}}`)).toMatchObject({ turns: session.read.turns, problems: 0 });
    process.stdout.write(
      `export: ${Math.round(bytes / MEGABYTE)} MB, resident memory grew by ${Math.round((most - before) / MEGABYTE)} MB\n`,
    );
    expect(most - before).toBeLessThan(ALLOWED_BYTES);
  });

  it("waits for a client that does not read", async () => {
    const session = createLongSession(4_000);
    const rights = { export: () => exportUser(partsOf(session), "owner"), describe: never, erase: never };
    const sent: Promise<void>[] = [];
    const server = createServer((_request, client) => {
      sent.push(sendExport({ rights, audit: noAuditLog, client, requestId: "1" }, "owner", ""));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitUntil(() => session.read.turns > 0);
    let seen = -1;
    // Until a second goes by without a turn being read: sockets hold some megabytes before they are full.
    await vi.waitUntil(() => seen === (seen = session.read.turns), { interval: 1_000, timeout: 60_000 });
    expect(session.read.turns).toBeLessThan(1_000);
    socket.destroy();
    await Promise.all(sent);
    server.close();
  });
});

const never = (): never => expect.unreachable("not asked for");
