import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { ask, freshSession, onSession, send, sendChat, storedMessages, type WireError } from "../support/http-calls.ts";
import { createHandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const clock = createHandClock();
let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway({ clock: clock.now })));
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

interface Listed {
  readonly object: string;
  readonly data: readonly { readonly id: string }[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

let owners = 0;
const freshKey = (): string => `sk-owner-${(owners += 1)}`;
const seconds = (): number => Math.floor(clock.now() / 1000);
const create = (key: string, body?: object) =>
  send(gateway, "/sessions", { method: "POST", key, ...(body && { body }) });
const list = async (key: string, query = ""): Promise<Listed> =>
  (await send(gateway, `/sessions${query}`, { key })).json<Listed>();
const ids = ({ data }: Listed): string[] => data.map(({ id }) => id);

describe("a session as it is shown", () => {
  it("has these fields in this order", async () => {
    const key = freshKey();
    await sendChat(gateway, ask("[[len:2]] mail ada@example.com\nplease"), { key, headers: onSession("chat-1") });
    const createdAt = seconds();
    clock.advance(5_000);
    await sendChat(gateway, ask("[[len:2]]"), { key, headers: onSession("chat-1") });
    const answer = await send(gateway, "/sessions/chat-1", { key });
    const shown = answer.json();
    expect(Object.keys(shown)).toEqual([
      "id",
      "object",
      "title",
      "created_at",
      "last_active_at",
      "expires_at",
      "turn_count",
      "message_count",
      "strategy",
      "tokens_saved",
    ]);
    expect(shown).toMatchObject({
      id: "chat-1",
      object: "session",
      created_at: createdAt,
      last_active_at: createdAt + 5,
      expires_at: createdAt + 5 + 86_400,
      turn_count: 2,
      message_count: 4,
      strategy: "hybrid",
    });
    expect(shown["title"]).toMatch(/^\[\[len:2\]\] mail \[EMAIL_[\da-f]{8}\]$/);
    expect([answer.headers.get("cache-control"), answer.headers.get("vary")]).toEqual(["no-store", "Authorization"]);
    expect((await list(key)).data[0]).toEqual(shown);
  });

  it("is titled by the first line of the first user message, cut to 80 characters", async () => {
    const key = freshKey();
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: `\n  ${"long ".repeat(30)}\nsecond line` }] },
    ];
    await sendChat(gateway, { model: "gpt-5", messages }, { key, headers: onSession("a") });
    const { title } = (await send(gateway, "/sessions/a", { key })).json<{ title: string }>();
    expect(title).toMatch(/^(long ){15}long…$/);
    await sendChat(gateway, ask("another line"), { key, headers: onSession("a") });
    expect((await send(gateway, "/sessions/a", { key })).json()).toMatchObject({ title });
  });
});

describe("a session that begins with a long message", () => {
  it.each([
    ["a text", (text: string) => text],
    ["parts", (text: string) => [{ type: "text", text }]],
  ])("of %s is titled as any other", async (_, contentOf) => {
    const key = freshKey();
    const content = contentOf(`first "line"\n${"more ".repeat(20_000)}`);
    const message = { extra: { content: "none of it" }, role: "user", content };
    await sendChat(gateway, { model: "gpt-5", messages: [message] }, { key, headers: onSession("a") });
    expect((await send(gateway, "/sessions/a", { key })).json()).toMatchObject({ title: 'first "line"' });
  });
});

describe("creating a session", () => {
  it("mints a name when it is given none", async () => {
    const answer = await create(freshKey());
    expect(answer.status).toBe(201);
    expect(answer.json()).toMatchObject({
      object: "session",
      title: "",
      turn_count: 0,
      message_count: 0,
      tokens_saved: 0,
    });
    expect(answer.json()["id"]).toMatch(/^[\w-]{43}$/);
    expect((await create(freshKey(), { id: "new" })).json()["id"]).toMatch(/^[\w-]{43}$/);
  });

  it("takes name, title and strategy, which the first turn keeps", async () => {
    const key = freshKey();
    const made = await create(key, { id: "chat", title: "My chat", strategy: "window" });
    expect(made.json()).toMatchObject({ id: "chat", title: "My chat", strategy: "window" });
    const { headers } = await sendChat(gateway, ask("hi"), { key, headers: onSession("chat") });
    expect([headers.get("x-history-mode"), headers.get("x-history-strategy")]).toEqual(["new", "window"]);
    expect((await send(gateway, "/sessions/chat", { key })).json()).toMatchObject({ title: "My chat", turn_count: 1 });
  });

  it("keeps no personal data in its title", async () => {
    const key = freshKey();
    const made = await create(key, { id: "chat", title: "Write to ada@example.com" });
    const named = { title: expect.stringMatching(/^Write to \[EMAIL_[\da-f]{8}\]$/) as string };
    expect(made.json()).toMatchObject(named);
    const { data } = await list(key);
    expect(data[0]).toMatchObject(named);
  });

  it("of a name that is taken is refused, and changes nothing", async () => {
    const key = freshKey();
    await sendChat(gateway, ask("[[len:1]]"), { key, headers: onSession("chat") });
    const again = await create(key, { id: "chat", title: "Other" });
    expect([again.status, again.json<WireError>().error.code]).toEqual([409, "session_exists"]);
    expect((await send(gateway, "/sessions/chat", { key })).json()).toMatchObject({
      title: "[[len:1]]",
      turn_count: 1,
    });
  });

  it.each([
    [{ id: "two words" }, "invalid_session_id", null],
    [{ id: 5 }, "invalid_parameter", "id"],
    [{ id: "x".repeat(129) }, "invalid_session_id", null],
    [{ title: 5 }, "invalid_parameter", "title"],
    [{ title: "x".repeat(201) }, "invalid_parameter", "title"],
    [{ strategy: "guess" }, "invalid_parameter", "strategy"],
    [{ owner: "me" }, "invalid_parameter", "owner"],
    [[], "invalid_parameter", "body"],
  ])("with %j is refused", async (body, code, param) => {
    const key = freshKey();
    const answer = await create(key, body);
    const { error } = answer.json<WireError>();
    expect([answer.status, error.code, error.param]).toEqual([400, code, param]);
    expect((await list(key)).data).toEqual([]);
  });

  it.each([
    ["{", "body_not_json"],
    ["[".repeat(1_000_000), "body_not_json"],
    [`{"x":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`, "invalid_parameter"],
  ])("with a body made to hurt is refused: %.10s", async (body, code) => {
    const answer = await send(gateway, "/sessions", { method: "POST", body });
    expect([answer.status, answer.json<WireError>().error.code]).toEqual([400, code]);
  });
});

describe("renaming a session", () => {
  const rename = (key: string, body: object | string, from = gateway) =>
    send(from, "/sessions/chat", { method: "POST", key, body });
  const read = async (key: string) => (await send(gateway, "/sessions/chat", { key })).json<Record<string, unknown>>();

  it("changes its title and its strategy, and nothing else of it", async () => {
    const key = freshKey();
    await sendChat(gateway, ask("[[len:1]] one"), { key, headers: onSession("chat") });
    const before = await read(key);
    expect((await rename(key, { title: "Boats" })).json()).toEqual({ ...before, title: "Boats" });
    expect((await rename(key, { strategy: "window" })).json()).toEqual({
      ...before,
      title: "Boats",
      strategy: "window",
    });
    const { headers } = await sendChat(gateway, ask("[[len:1]] two"), { key, headers: onSession("chat") });
    expect([headers.get("x-history-mode"), headers.get("x-history-strategy")]).toEqual(["delta", "window"]);
    expect(await read(key)).toMatchObject({ title: "Boats", strategy: "window", turn_count: 2 });
    expect(await list(key)).toMatchObject({ data: [{ title: "Boats" }] });
  });

  it("keeps no personal data in its title; the same value has the same name in title and text", async () => {
    const key = freshKey();
    await sendChat(gateway, ask("mail ada@example.com"), { key, headers: onSession("chat") });
    const { title } = (await rename(key, { title: "To ada@example.com" })).json<{ title: string }>();
    expect(title).toMatch(/^To \[EMAIL_[\da-f]{8}\]$/);
    const [message] = await storedMessages(gateway, "chat", { key });
    expect(message?.content).toBe(`mail ${title.slice("To ".length)}`);
  });

  it("to nothing lets the next turn name it", async () => {
    const key = freshKey();
    await sendChat(gateway, ask("[[len:1]] one"), { key, headers: onSession("chat") });
    expect((await rename(key, { title: "" })).json()).toMatchObject({ title: "" });
    await sendChat(gateway, ask("[[len:1]] two"), { key, headers: onSession("chat") });
    expect(await read(key)).toMatchObject({ title: "[[len:1]] two" });
  });

  it("while turns run loses neither the name nor a turn", async () => {
    const key = freshKey();
    await sendChat(gateway, ask("[[len:1]] one"), { key, headers: onSession("chat") });
    const turns = [1, 2, 3].map((at) =>
      sendChat(gateway, ask(`[[delay:${20 * at}]] [[len:1]]`), { key, headers: onSession("chat") }),
    );
    const names = Array.from({ length: 12 }, (_, at) => `name ${at}`);
    const renamed = names.map((title) => rename(key, { title }));
    const statuses = (await Promise.all([...turns, ...renamed])).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await read(key)).toMatchObject({ turn_count: 4, title: expect.stringMatching(/^name \d+$/) as string });
    expect(await storedMessages(gateway, "chat", { key })).toHaveLength(8);
  });

  it("through two replicas at once loses none", async () => {
    const key = freshKey();
    const other = await startTestGateway({ upstream: gateway.upstream, folder: gateway.folder, clock: clock.now });
    await sendChat(gateway, ask("[[len:1]] one"), { key, headers: onSession("chat") });
    const answers = Array.from({ length: 16 }, (_, at) =>
      rename(key, at < 8 ? { title: `name ${at}` } : { strategy: "full" }, at % 2 === 0 ? gateway : other),
    );
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
    expect(await read(key)).toMatchObject({ strategy: "full", title: expect.stringMatching(/^name \d$/) as string });
    await other.close();
  });

  it.each([
    [{ id: "other" }, "invalid_parameter", "id"],
    [{ title: 5 }, "invalid_parameter", "title"],
    [{ title: "x".repeat(201) }, "invalid_parameter", "title"],
    [{ strategy: "guess" }, "invalid_parameter", "strategy"],
    [{ turn_count: 0 }, "invalid_parameter", "turn_count"],
    ["{", "body_not_json", null],
  ])("with %j is refused, and changes nothing", async (body, code, param) => {
    const key = freshKey();
    await create(key, { id: "chat", title: "Boats" });
    const answer = await rename(key, body);
    const { error } = answer.json<WireError>();
    expect([answer.status, error.code, error.param]).toEqual([400, code, param]);
    expect(await read(key)).toMatchObject({ title: "Boats", strategy: "hybrid" });
  });

  it("of nobody's, or of somebody else's, is not there", async () => {
    const [ada, eve] = [freshKey(), freshKey()];
    await create(ada, { id: "chat", title: "Boats" });
    const answer = await rename(eve, { title: "mine" });
    expect([answer.status, answer.json<WireError>().error.code]).toEqual([404, "session_not_found"]);
    expect(await read(ada)).toMatchObject({ title: "Boats" });
  });
});

describe("listing sessions", () => {
  const key = freshKey();
  const all = Array.from({ length: 7 }, (_, at) => `s${at}`);
  beforeAll(async () => {
    for (const id of all) {
      await create(key, { id });
      clock.advance(1_000);
    }
  });

  it("shows the newest first, or the oldest where asked", async () => {
    const newest = await list(key);
    expect(newest).toMatchObject({ object: "list", first_id: "s6", last_id: "s0", has_more: false });
    expect(ids(newest)).toEqual(all.toReversed());
    expect(ids(await list(key, "?order=asc"))).toEqual(all);
  });

  it.each(["asc", "desc"])("pages through all of them once: %s", async (order) => {
    const seen: string[] = [];
    let page = await list(key, `?limit=3&order=${order}`);
    for (;;) {
      expect(page.first_id).toBe(page.data[0]?.id ?? null);
      seen.push(...ids(page));
      if (!page.has_more) break;
      page = await list(key, `?limit=3&order=${order}&after=${page.last_id}`);
    }
    expect(seen).toEqual(order === "asc" ? all : all.toReversed());
  });

  it("stays whole when the last page is full", async () => {
    expect(await list(key, "?limit=7")).toMatchObject({ has_more: false });
    expect(await list(key, "?limit=6")).toMatchObject({ has_more: true });
    expect(await list(key, "?after=s0")).toMatchObject({ data: [], first_id: null, last_id: null, has_more: false });
  });

  it("of nobody's is empty", async () => {
    expect(await list(freshKey())).toEqual({
      object: "list",
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    });
  });

  it.each([
    "limit=0",
    "limit=101",
    "limit=1.5",
    "limit=x",
    "limit=",
    "limit=-1",
    "order=up",
    "order=",
    "after=unknown",
    "after=%20",
  ])("with %s is refused by the name of the parameter", async (query) => {
    const answer = await send(gateway, `/sessions?${query}`, { key });
    const { error } = answer.json<WireError>();
    expect([answer.status, error.code, error.param]).toEqual([400, "invalid_parameter", query.split("=")[0]]);
  });
});

describe("the messages of a session", () => {
  it("are those of the transcript as stored, oldest first, with turn and status", async () => {
    const key = freshKey();
    const session = freshSession();
    const tools = { model: "gpt-5", messages: [{ role: "user", content: "[[tool:f]] of ada@example.com" }] };
    await sendChat(gateway, tools, { key, headers: onSession(session) });
    const [, call] = await storedMessages(gateway, session, { key });
    const calls = call?.["tool_calls"] as { id: string }[];
    const result = { role: "tool", tool_call_id: calls[0]?.id, content: "done" };
    await sendChat(gateway, { model: "gpt-5", messages: [result] }, { key, headers: onSession(session) });
    const messages = await storedMessages(gateway, session, { key });
    expect(messages.map(({ role, turn, status, object }) => [role, turn, status, object])).toEqual([
      ["user", 1, "complete", "session.message"],
      ["assistant", 1, "complete", "session.message"],
      ["tool", 2, "complete", "session.message"],
      ["assistant", 2, "complete", "session.message"],
    ]);
    expect(messages[0]?.content).toMatch(/^\[\[tool:f\]\] of \[EMAIL_[\da-f]{8}\]$/);
    expect(messages[0]?.["original_hash"]).toMatch(/^[\w-]{22,43}$/);
    expect(messages[3]).not.toHaveProperty("original_hash");
    expect(messages[2]).toMatchObject({ tool_call_id: calls[0]?.id, created_at: seconds() });
    expect(new Set(messages.map(({ id }) => id)).size).toBe(4);
  });

  it("that broke off say so", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("[[cut:2]] [[len:9]]", { stream: true }), { headers: onSession(session) });
    const messages = await storedMessages(gateway, session);
    expect(messages.map(({ role, status }) => [role, status])).toEqual([
      ["user", "incomplete"],
      ["assistant", "incomplete"],
    ]);
  });

  it.each(["asc", "desc"])("come page by page: %s", async (order) => {
    const session = freshSession();
    const key = freshKey();
    for (let at = 0; at < 3; at += 1)
      await sendChat(gateway, ask(`[[len:1]] ${at}`), { key, headers: onSession(session) });
    const whole = (await storedMessages(gateway, session, { key })).map(({ id }) => id);
    const seen: string[] = [];
    let after = "";
    for (;;) {
      const path = `/sessions/${session}/messages?limit=4&order=${order}${after && `&after=${after}`}`;
      const page = (await send(gateway, path, { key })).json<Listed>();
      seen.push(...ids(page));
      if (!page.has_more) break;
      after = page.last_id ?? "";
    }
    expect(seen).toEqual(order === "asc" ? whole : whole.toReversed());
    const foreign = await send(gateway, `/sessions/${session}/messages?after=msg_0_0`, { key });
    expect([foreign.status, foreign.json<WireError>().error.param]).toEqual([400, "after"]);
  });

  it("are opened once, however many pages they fill", async () => {
    const history = { STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1", STATEGATE_HISTORY__RECALL__MAX_TOKENS: "0" };
    const env = { ...history, STATEGATE_HISTORY__FLOOR_TOKENS: "0", STATEGATE_HISTORY__MAX_TOKENS: "300" };
    const cutting = await startTestGateway({ env });
    for (let at = 0; at < 6; at += 1) {
      await sendChat(cutting, ask(`[[len:1]] ${at} ${"word ".repeat(40)}`), { headers: onSession("long") });
    }
    const seen: string[] = [];
    for (let hasMore = true; hasMore;) {
      const after = seen.length > 0 ? `&after=${seen.at(-1)}` : "";
      const page = (await send(cutting, `/sessions/long/messages?limit=4${after}`)).json<Listed>();
      seen.push(...ids(page));
      hasMore = page.has_more;
    }
    const metrics = await cutting.metrics();
    await cutting.close();
    expect(seen).toHaveLength(12);
    const reads = /^stategate_store_duration\w*_count\{[^}]*"readTurns"[^}]*\} (\d+)/m.exec(metrics)?.[1];
    expect(reads).toBe("1");
  });

  it("of a session that was only created are none", async () => {
    const key = freshKey();
    await create(key, { id: "empty" });
    expect(await storedMessages(gateway, "empty", { key })).toEqual([]);
  });
});

describe("deleting a session", () => {
  it("removes it for good; the same name begins anew", async () => {
    const key = freshKey();
    await sendChat(gateway, ask("[[len:1]] old"), { key, headers: onSession("chat") });
    const deleted = await send(gateway, "/sessions/chat", { method: "DELETE", key });
    expect([deleted.status, deleted.json()]).toEqual([200, { id: "chat", object: "session.deleted", deleted: true }]);
    expect((await list(key)).data).toEqual([]);
    expect((await send(gateway, "/sessions/chat", { method: "DELETE", key })).status).toBe(404);
    const { headers } = await sendChat(gateway, ask("[[len:1]] new"), { key, headers: onSession("chat") });
    expect([headers.get("x-history-mode"), headers.get("x-session-turn")]).toEqual(["new", "1"]);
    expect((await storedMessages(gateway, "chat", { key })).map(({ content }) => content)).toEqual([
      "[[len:1]] new",
      "word0",
    ]);
  });

  it("while a turn runs keeps it deleted: the answer arrives and says so, and nothing is stored", async () => {
    const key = freshKey();
    await sendChat(gateway, ask("[[len:1]]"), { key, headers: onSession("chat") });
    const running = sendChat(gateway, ask("[[delay:150]] [[len:2]]"), { key, headers: onSession("chat") });
    while (gateway.upstream.log.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await send(gateway, "/sessions/chat", { method: "DELETE", key });
    const { status, headers } = await running;
    expect([status, headers.get("x-session-degraded")]).toEqual([200, "session_removed"]);
    expect((await send(gateway, "/sessions/chat", { key })).status).toBe(404);
  });

  it("by an address that is escaped reaches the very session", async () => {
    const key = freshKey();
    const id = "a/b?c#d%20e;f";
    await create(key, { id });
    await create(key, { id: "a" });
    const path = `/sessions/${encodeURIComponent(id)}`;
    expect((await send(gateway, path, { key })).json()).toMatchObject({ id });
    expect((await send(gateway, path, { method: "DELETE", key })).json()).toMatchObject({ id, deleted: true });
    expect(ids(await list(key))).toEqual(["a"]);
  });
});

describe("addresses below /v1/sessions that are not served", () => {
  it.each([
    "PATCH /sessions/a",
    "PUT /sessions",
    "POST /sessions/a/messages",
    "GET /sessions/a/b/c",
    "DELETE /sessions",
  ])("never reach the upstream: %s", async (route) => {
    const [method = "", path = ""] = route.split(" ");
    const answer = await send(gateway, path, { method });
    expect([answer.status, answer.json<WireError>().error.code]).toEqual([404, "not_found"]);
    expect(gateway.upstream.log).toEqual([]);
  });
});
