import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ask, onSession, send, sendChat, USER_KEY } from "../support/http-calls.ts";
import { runOperatorCommand } from "../support/run-operator-command.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const ADMIN_KEY = "admin-key-of-this-test";
const STRANGERS_KEY = "sk-a-stranger";

interface Listed {
  readonly event: string;
  readonly address?: string;
}

describe("the audit log of a gateway in SQLite", () => {
  let gateway: TestGateway;
  const lines: string[] = [];
  beforeAll(async () => {
    gateway = await startTestGateway({
      env: { STATEGATE_AUDIT__FORWARD: "stdout", STATEGATE_IDENTITY__ADMIN_KEY: ADMIN_KEY },
      onAuditLine: (line) => void lines.push(line),
    });
    for (let life = 0; life < 3; life += 1) {
      for (let turn = 0; turn < 3; turn += 1) {
        await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(`chat-${life}-${turn}`) });
      }
      await send(gateway, `/sessions/chat-${life}-0`, { method: "DELETE" });
      await send(gateway, "/sessions/never-there", { key: STRANGERS_KEY });
      await gateway.restart();
    }
  });
  afterAll(() => gateway.close());

  const verify = (...args: readonly string[]) => runOperatorCommand(["audit", "verify", ...args], gateway);
  const database = () => new DatabaseSync(join(gateway.folder, "stategate.db"));

  it("is checked where it lies, and against what was forwarded", async () => {
    const seen = join(gateway.folder, "forwarded.txt");
    writeFileSync(seen, lines.join(""));
    const { code, stdout, stderr } = await verify("--seen", seen);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^\d+ entries in [34] chains, signed with [\w-]{43}\n/);
  });

  it("is exported on record, and checked elsewhere", async () => {
    const { code, stdout, stderr } = await runOperatorCommand(["audit", "export"], gateway);
    const publicKey = /--public-key ([\w-]{43})/.exec(stderr)?.[1] ?? "";
    const file = join(gateway.folder, "export.jsonl");
    writeFileSync(file, stdout);
    expect(code).toBe(0);
    expect(stdout).toContain("audit_export");
    expect(await verify("--file", file, "--public-key", publicKey)).toMatchObject({ code: 0, stderr: "" });
    writeFileSync(file, stdout.replace("session_deleted", "session_created"));
    expect(await verify("--file", file, "--public-key", publicKey)).toMatchObject({ code: 1 });
  });

  it("holds no id, no key and no text of anybody", async () => {
    const { stdout } = await runOperatorCommand(["audit", "export"], gateway);
    // Whole keys: "sk-" alone is found in the hashes of one export in thirty.
    const secrets = ["chat-", "never-there", USER_KEY, STRANGERS_KEY, "len:1", "127.0.0"];
    for (const secret of secrets) expect(stdout).not.toContain(secret);
  });

  it("tells nothing of a user once the user is erased, and still holds; the receipt is of the same key", async () => {
    const { id } = (await send(gateway, "/me")).json<{ id: string }>();
    const listed = async () => {
      const path = `/admin/audit?limit=100&user=${id}`;
      return (await send({ ...gateway, url: gateway.origin }, path, { key: ADMIN_KEY })).json<{ data: Listed[] }>()
        .data;
    };
    const before = await listed();
    expect(before.filter(({ event }) => event === "session_created")).toHaveLength(9);
    expect(new Set(before.map(({ address }) => address))).toEqual(new Set(["127.0.0.0/24"]));
    const receipt = join(gateway.folder, "receipt.json");
    writeFileSync(receipt, (await send(gateway, "/me", { method: "DELETE" })).text);
    expect(await listed()).toEqual([]);
    // The same person comes back, under a new key.
    await sendChat(gateway, ask("[[len:1]]"), { headers: onSession("chat-again") });
    expect((await listed()).map(({ event }) => event)).toEqual(["session_created"]);
    expect(await verify()).toMatchObject({ code: 0, stderr: "" });
    expect(await verify("--receipt", receipt)).toMatchObject({ code: 0 });
  });

  it("shows a row that was changed, and a chain that was taken out", async () => {
    const db = database();
    const [second] = db
      .prepare("SELECT chain FROM audit_rows WHERE sequence = 0 ORDER BY at LIMIT 1 OFFSET 1")
      .all() as {
      chain: string | Buffer;
    }[];
    const rows = db.prepare("SELECT * FROM audit_rows WHERE chain = ?").all(second?.chain ?? "");
    expect(rows.length).toBeGreaterThan(3);
    db.prepare("DELETE FROM audit_rows WHERE chain = ? AND sequence = 1").run(second?.chain ?? "");
    const afterOne = await verify();
    expect(afterOne.code).toBe(1);
    expect(afterOne.stderr).toContain("entry 1: 1 entries are gone");
    db.prepare("DELETE FROM audit_rows WHERE chain = ?").run(second?.chain ?? "");
    const afterAllOfIt = await verify();
    expect(afterAllOfIt.code).toBe(1);
    expect(afterAllOfIt.stderr).toContain("the whole chain is gone");
    db.close();
  });
});
