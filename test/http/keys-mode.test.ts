import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { ask, freshSession, onSession, send, sendChat, transcript } from "../support/http-calls.ts";
import { type CommandPlace, issueKey } from "../support/run-operator-command.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const env = { STATEGATE_IDENTITY__MODE: "keys", STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator" };
const folder = mkdtempSync(join(tmpdir(), "stategate-keys-"));
const place: CommandPlace = { folder, env };
let gateway: TestGateway;
let ada: string;
let bob: string;
beforeAll(async () => {
  gateway = await startTestGateway({ env, folder });
  ada = await issueKey(["--tenant", "acme", "--user", "ada", "--label", "laptop"], place);
  bob = await issueKey(["--tenant", "acme", "--user", "bob"], place);
});
afterAll(async () => {
  await gateway.close();
  await gateway.upstream.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => gateway.upstream.reset());

describe("a gateway that issues its own keys", () => {
  it("limits each key as it was issued, also without a session", async () => {
    const limited = await issueKey(["--tenant", "acme", "--user", "eve", "--requests-per-minute", "1"], place);
    const ways = [onSession(freshSession()), {}, {}, onSession(freshSession())];
    const statuses: number[] = [];
    for (const headers of ways) {
      statuses.push((await sendChat(gateway, ask("[[len:1]]"), { key: limited, headers })).status);
    }
    // A minute may end between two of them, and then one more passes.
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(2);
    expect((await sendChat(gateway, ask("hi"), { key: ada })).status).toBe(200);
  });

  it("keeps each user's sessions, asks with its own key alone, and shows nobody another's", async () => {
    const id = freshSession();
    expect((await sendChat(gateway, ask("I am Ada"), { key: ada, headers: onSession(id) })).status).toBe(200);
    expect(await transcript(gateway, id, { key: ada })).toEqual([
      "user: I am Ada",
      expect.stringMatching(/^assistant: /),
    ]);
    expect((await send(gateway, `/sessions/${id}`, { key: bob })).status).toBe(404);
    const sent = JSON.stringify(gateway.upstream.log.map(({ headers }) => headers));
    expect(sent).toContain("sk-of-the-operator");
    expect(sent).not.toContain(ada);
    expect(sent).not.toContain(ada.slice(3));
  });

  it("asks for a key on every route, also those without memory, before anything is asked of the upstream", async () => {
    for (const key of [undefined, "sk-of-the-operator", "sk-anything", `sg_${"x".repeat(43)}`]) {
      const answers = await Promise.all([
        sendChat(gateway, ask("hi"), { key }),
        sendChat(gateway, ask("hi"), { key, headers: onSession("new") }),
        sendChat(gateway, ask("hi"), { key, headers: { "x-history-mode": "off" } }),
        send(gateway, "/models", { key }),
        send(gateway, "/embeddings", { key, method: "POST", body: { model: "m", input: "x" } }),
        send(gateway, "/sessions", { key }),
      ]);
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 401));
    }
    expect(gateway.upstream.log).toEqual([]);
  });

  it("passes models and embeddings for whoever has a key, with the gateway's own", async () => {
    expect((await send(gateway, "/models", { key: ada })).status).toBe(200);
    expect(gateway.upstream.log.map(({ headers }) => headers.authorization)).toEqual(["Bearer sk-of-the-operator"]);
  });

  it("lets a key with a fixed user speak for nobody else, on every route", async () => {
    const headers = { ...onSession(freshSession()), "x-user-id": "bob" };
    for (const answer of [
      await sendChat(gateway, ask("hi"), { key: ada, headers }),
      await send(gateway, "/sessions", { key: ada, headers }),
      await send(gateway, "/models", { key: ada, headers }),
    ]) {
      expect(answer.status).toBe(403);
      expect(answer.text).toContain("user_conflict");
    }
    expect((await send(gateway, "/sessions", { key: ada, headers: { "x-user-id": "ada" } })).status).toBe(200);
  });
});
