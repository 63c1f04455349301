import { randomBytes } from "node:crypto";

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { ask, chatsOf, lastSent, onSession, send, sendChat, storedMessages } from "../support/http-calls.ts";
import { hostileIds } from "../support/isolation-world.ts";
import { inCiOrProving } from "../support/prove.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  const env = {
    STATEGATE_IDENTITY__ANONYMOUS: "minted",
    STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator",
    STATEGATE_IDENTITY__SESSION_ID_FROM: "metadata.session_id",
  };
  gateway = await startTestGateway({ env });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const nobody = { key: undefined };
const sessionOf = ({ headers }: { headers: Headers }): string => headers.get("x-session-id") ?? "";
const mint = async (text: string, headers: Record<string, string> = {}): Promise<string> => {
  const answer = await sendChat(gateway, ask(text), { ...nobody, headers: onSession("new", headers) });
  expect(answer.status).toBe(200);
  return sessionOf(answer);
};
const list = async (headers: Record<string, string>): Promise<string[]> => {
  const answer = await send(gateway, "/sessions", { ...nobody, headers });
  return answer.json<{ data: { id: string }[] }>().data.map(({ id }) => id);
};

describe("a caller without a credential", () => {
  it("is given a session whose id has 256 bits, and goes on with it", async () => {
    const id = await mint("I am nobody");
    expect(id).toMatch(/^[\w-]{43}$/);
    await sendChat(gateway, ask("who am I?"), { ...nobody, headers: onSession(id) });
    expect(lastSent(gateway)[0]).toBe("user: I am nobody");
    expect(await storedMessages(gateway, id, nobody)).toHaveLength(4);
  });

  it("sees this one session in the list, and another nowhere", async () => {
    const [one, other] = [await mint("one"), await mint("other")];
    expect(await list(onSession(one))).toEqual([one]);
    expect(await list(onSession(other))).toEqual([other]);
    expect(await list(onSession("guessed"))).toEqual([]);
  });

  it("may begin a session over the sessions API, but not name it", async () => {
    const made = await send(gateway, "/sessions", { ...nobody, method: "POST", body: { title: "mine" } });
    expect(made.status).toBe(201);
    const { id } = made.json<{ id: string }>();
    expect((await sendChat(gateway, ask("hi"), { ...nobody, headers: onSession(id) })).status).toBe(200);
    const named = await send(gateway, "/sessions", { ...nobody, method: "POST", body: { id: "my-own" } });
    expect(named.status).toBe(404);
  });

  it("cannot rotate it: the id is all that he is known by", async () => {
    const id = await mint("hi");
    expect((await send(gateway, `/sessions/${id}/rotate`, { ...nobody, method: "POST" })).status).toBe(404);
    expect((await sendChat(gateway, ask("still here?"), { ...nobody, headers: onSession(id) })).status).toBe(200);
  });

  it("has nothing without a session: no plain chat, no models, no list", async () => {
    for (const answer of [
      await sendChat(gateway, ask("hi"), nobody),
      await send(gateway, "/models", nobody),
      await send(gateway, "/sessions", nobody),
    ]) {
      expect(answer.status).toBe(401);
    }
    expect(gateway.upstream.log).toEqual([]);
  });

  it("cannot be led into the session of another by a shared Idempotency-Key", async () => {
    const key = { "idempotency-key": "the same for all" };
    expect(await mint("one", key)).not.toBe(await mint("two", key));
  });

  it("and a caller with a credential have nothing in common, whatever ids they use", async () => {
    const id = await mint("secret of nobody");
    expect((await send(gateway, `/sessions/${id}`, { key: "sk-somebody" })).status).toBe(404);
    await sendChat(gateway, ask("secret of somebody"), { key: "sk-somebody", headers: onSession("named") });
    expect((await sendChat(gateway, ask("hi"), { ...nobody, headers: onSession("named") })).status).toBe(404);
  });
});

/** `fetch` folds these two before it sends them. */
const pathable = hostileIds.filter((id) => id !== "." && id !== "..");

describe("an id that the gateway did not mint", () => {
  it("is never adopted, on no route and in no place", async () => {
    const tries = inCiOrProving(120, 1_000);
    let adopted = 0;
    const kinds = [
      () => randomBytes(32).toString("base64url"),
      () => randomBytes(16).toString("hex"),
      (index: number) => `session-${index}`,
      (index: number) => pathable[index % pathable.length] ?? "chat",
    ];
    for (let index = 0; index < tries; index += 1) {
      const id = kinds[index % kinds.length]?.(index) ?? "";
      const inBody = { metadata: { session_id: id } };
      const path = `/sessions/${encodeURIComponent(id)}`;
      const answers = [
        index % 2 === 0
          ? await sendChat(gateway, ask("mine now"), { ...nobody, headers: onSession(id) })
          : await sendChat(gateway, ask("mine now", inBody), nobody),
        await send(gateway, path, nobody),
      ];
      if (answers.some(({ status }) => status !== 404)) adopted += 1;
    }
    process.stdout.write(`S4 anonymous: ${tries} fixation attempts, ${adopted} adopted\n`);
    expect(adopted).toBe(0);
    expect(chatsOf(gateway)).toEqual([]);
  });

  it("includes one whose session has ended", async () => {
    const id = await mint("short");
    expect((await send(gateway, `/sessions/${id}`, { ...nobody, method: "DELETE" })).status).toBe(200);
    const again = await sendChat(gateway, ask("mine now"), { ...nobody, headers: onSession(id) });
    const replayed = {
      model: "gpt-5",
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
      ],
    };
    const replay = await sendChat(gateway, replayed, {
      ...nobody,
      headers: onSession(id, { "x-history-mode": "replay" }),
    });
    expect([again.status, replay.status]).toEqual([404, 404]);
    expect(again.json()).toMatchObject({ error: { code: "session_not_found" } });
  });
});
