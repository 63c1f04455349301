import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  ask,
  freshSession,
  onSession,
  send,
  sendChat,
  type WireAnswer,
  type WireRequest,
} from "../support/http-calls.ts";
import { type CommandPlace, issueKey, runOperatorCommand } from "../support/run-operator-command.ts";
import { openTamperedDatabase } from "../support/tampered-database.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { bodyOf, exportOf, ownerOf } from "../support/user-exports.ts";

const ADMIN_KEY = "admin-key-of-this-test";
const env = {
  STATEGATE_IDENTITY__MODE: "keys",
  STATEGATE_UPSTREAM__API_KEY: "sk-of-the-gateway",
  STATEGATE_IDENTITY__ADMIN_KEY: ADMIN_KEY,
};
const folder = mkdtempSync(join(tmpdir(), "stategate-users-"));
const place: CommandPlace = { folder, env };

let gateway: TestGateway;
let ada: WireRequest;
let bob: WireRequest;
beforeAll(async () => {
  gateway = await startTestGateway({ env, folder });
  ada = { key: await issueKey(["--tenant", "acme", "--user", "ada"], place) };
  bob = { key: await issueKey(["--tenant", "acme", "--user", "bob"], place) };
});
afterAll(async () => {
  await gateway.close();
  await gateway.upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

const admin = (path: string, method = "GET"): Promise<WireAnswer> =>
  send({ ...gateway, url: gateway.origin }, `/admin/users${path}`, { method, key: ADMIN_KEY });
const talk = (id: string, request: WireRequest): Promise<WireAnswer> =>
  sendChat(gateway, ask("hello"), { ...request, headers: onSession(id) });

describe("/admin/users", () => {
  it("finds a user by tenant and name, and counts, without a word of what was said", async () => {
    await talk(freshSession(), ada);
    const answer = await admin("?tenant=acme&user=ada");
    const id = await ownerOf(gateway, ada);
    expect(answer.json()).toEqual({ id, object: "user", sessions: 1 });
    expect((await admin(`/${id}`)).json()).toEqual(answer.json());
    expect((await send(gateway, "/me", ada)).json()).toEqual(answer.json());
  });

  it("exports the same lines as the user gets", async () => {
    const id = await ownerOf(gateway, ada);
    const answer = await admin(`/${id}/export`);
    expect(answer.headers.get("content-type")).toBe("application/jsonl; charset=utf-8");
    expect(bodyOf(answer.text.trimEnd().split("\n"))).toEqual(bodyOf(await exportOf(gateway, ada)));
  });

  it("erases, and says so again when it is repeated", async () => {
    await talk("of-bob", bob);
    const id = await ownerOf(gateway, bob);
    const counts = async () => (await admin(`/${id}`, "DELETE")).json<{ receipt: { counts: object } }>().receipt.counts;
    expect(await counts()).toMatchObject({ data_keys: 1, sessions: 1 });
    expect(await counts()).toMatchObject({ data_keys: 0, sessions: 0 });
    expect((await admin(`/${id}`)).status).toBe(404);
    expect((await send(gateway, "/sessions", bob)).json()).toMatchObject({ data: [] });
    expect((await admin("?tenant=acme&user=ada")).json()).toMatchObject({ sessions: 1 });
  });

  it.each([
    ["GET", "", 400, "invalid_parameter"],
    ["GET", "?tenant=acme&user=nobody", 404, "user_not_found"],
    ["GET", "/short", 404, "user_not_found"],
    ["GET", `/${"x".repeat(43)}/export`, 404, "user_not_found"],
    ["DELETE", "/short", 404, "user_not_found"],
  ])("answers %s %s with %i", async (method, path, status, code) => {
    const answer = await admin(path, method);
    expect({ status: answer.status, code: answer.json<{ error: { code: string } }>().error.code }).toEqual({
      status,
      code,
    });
  });

  it("leaves an entry in the audit log of each export and erasure, with counts alone", async () => {
    const entriesOf = async (event: string) => {
      const path = `/admin/audit?event=${event}&limit=100`;
      const answer = await send({ ...gateway, url: gateway.origin }, path, { key: ADMIN_KEY });
      return answer.json<{ data: { reason: string; counts: object }[] }>().data;
    };
    const [read] = (await entriesOf("sensitive_read")).filter(({ reason }) => reason === "export");
    expect(read?.counts).toEqual({ sessions: 1, turns: 1, problems: 0 });
    const [erased] = await entriesOf("sensitive_delete");
    expect(erased).toMatchObject({ reason: "erasure", counts: { data_keys: 0, sessions: 0 } });
  });

  it("is closed to users", async () => {
    const path = `/admin/users/${await ownerOf(gateway, ada)}`;
    for (const method of ["GET", "DELETE"]) {
      expect((await send({ ...gateway, url: gateway.origin }, path, { method, ...ada })).status).toBe(401);
    }
  });
});

describe("an erasure ends logins too", () => {
  it("of the user who is erased, and of nobody else", async () => {
    const cookieOf = async (request: WireRequest): Promise<string> => {
      const answer = await send(gateway, "/login", { method: "POST", ...request });
      return answer.headers.get("set-cookie")?.split(";")[0] ?? expect.unreachable("no cookie");
    };
    const [adas, bobs] = [await cookieOf(ada), await cookieOf(bob)];
    const receipt = await send(gateway, "/me", { method: "DELETE", ...bob });
    expect(receipt.json<{ receipt: object }>().receipt).toMatchObject({ counts: { logins: 1 } });
    expect((await send(gateway, "/me", { key: undefined, headers: { cookie: bobs } })).status).toBe(401);
    expect((await send(gateway, "/me", { key: undefined, headers: { cookie: adas } })).status).toBe(200);
  });
});

describe("stategate users", () => {
  const run = (...args: readonly string[]) => runOperatorCommand(["users", ...args], place);
  const acme = (user: string) => ["--tenant", "acme", "--user", user];

  it("moves a user's sessions to another user, who goes on with them", async () => {
    const cy = { key: await issueKey(["--tenant", "acme", "--user", "cy"], place) };
    const { stdout, stderr, code } = await run("export", ...acme("ada"));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "1 sessions, 1 turns, 0 problems\n" });
    expect(bodyOf(stdout.trimEnd().split("\n"))).toEqual(bodyOf(await exportOf(gateway, ada)));
    const file = join(folder, "ada.jsonl");
    writeFileSync(file, stdout);
    expect(await run("import", file, ...acme("cy"))).toMatchObject({
      code: 0,
      stdout: "1 sessions with 1 turns imported, 0 left out\n",
    });
    expect(bodyOf(await exportOf(gateway, cy))).toEqual(bodyOf(await exportOf(gateway, ada)));
    const again = await run("import", file, "--id", await ownerOf(gateway, cy));
    expect(again.stderr).toBe("line 2: a session with this id exists, and stays as it is\n");
  });

  it("erases while the gateway runs, and prints a receipt that audit verify takes", async () => {
    const dee = { key: await issueKey(["--tenant", "acme", "--user", "dee"], place) };
    await talk("of-dee", dee);
    const { stdout, code } = await run("erase", ...acme("dee"));
    expect(code).toBe(0);
    const file = join(folder, "receipt.json");
    writeFileSync(file, stdout);
    const { public_key: publicKey } = JSON.parse(stdout) as { public_key: string };
    const verified = await runOperatorCommand(["audit", "verify", "--receipt", file, "--public-key", publicKey], place);
    expect(verified.code).toBe(0);
    expect((await send(gateway, "/sessions/of-dee", dee)).status).toBe(404);
  });

  it.each([
    [["export"], 1],
    [["export", "--id", "short"], 1],
    [["export", "--tenant", ""], 1],
    [["import", ...acme("ada")], 1],
    [["import", "/nowhere", ...acme("ada")], 1],
    [["erase", "--name", "ada"], 2],
    [["erase", "--id", "--tenant", "acme"], 2],
  ])("complains about %s", async (args, code) => expect((await run(...args)).code).toBe(code));

  it("takes an id that begins with a dash", async () => {
    const id = `-${"a".repeat(42)}`;
    expect(await run("export", "--id", id)).toMatchObject({ code: 0, stderr: "0 sessions, 0 turns, 0 problems\n" });
  });

  it("takes an upstream key from standard input where keys are tenants", async () => {
    const own = await startTestGateway();
    await sendChat(own, ask("hello"), { key: "sk-nameless", headers: onSession("one") });
    const { stdout } = await runOperatorCommand(["users", "export"], { folder: own.folder, input: "sk-nameless\n" });
    expect(bodyOf(stdout.trimEnd().split("\n"))).toEqual(bodyOf(await exportOf(own, { key: "sk-nameless" })));
    expect(stdout).toContain('"sessions":1');
    await own.close();
  });
});

describe("an export of what is damaged", () => {
  it("says what could not be read, and holds all the rest", async () => {
    const damaged = await startTestGateway();
    for (const id of ["good", "no-head", "lost-turn", "changed-turn"]) {
      for (let turn = 0; turn < 3; turn += 1) await sendChat(damaged, ask(`turn ${turn}`), { headers: onSession(id) });
    }
    const database = openTamperedDatabase(join(damaged.folder, "stategate.db"));
    const [, noHead, lost, changed] = database.sessions();
    database.run("UPDATE sessions SET head = zeroblob(200) WHERE id = ?", noHead?.id ?? 0);
    database.run("DELETE FROM turns WHERE session = ? AND sequence = 1", lost?.id ?? 0);
    database.run("UPDATE turns SET sealed = zeroblob(200) WHERE session = ? AND sequence = 1", changed?.id ?? 0);
    database.close();
    const lines = (await exportOf(damaged)).map((line) => JSON.parse(line) as Record<string, unknown>);
    const told = lines.map(({ object, id, session, sequence, what }) => [object, session ?? id, sequence, what].join());
    expect(told.filter((line) => line.startsWith("problem"))).toEqual([
      "problem,,,a session cannot be opened",
      "problem,lost-turn,1,turns are missing",
      "problem,lost-turn,,turns were lost, exchanged or reordered",
      "problem,changed-turn,1,a turn cannot be opened",
      "problem,changed-turn,,turns were lost, exchanged or reordered",
    ]);
    expect(lines.at(-1)).toMatchObject({ sessions: 3, turns: 3 + 2 + 2, problems: 5 });
    await damaged.close();
  });
});
