/** Three gateway processes over one store behind a load balancer that sticks to nobody: to users they are one gateway. */
import { join } from "node:path";

import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import {
  answered,
  ask,
  callerHeaders,
  errorCodes,
  type Message,
  said,
  send,
  textOf,
  transcript,
} from "../support/fault-client.ts";
import type { GatewayProcess } from "../support/gateway-process.ts";
import { SERVED_BY } from "../support/load-balancer.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type ReplicaFleet, startReplicaFleet } from "../support/replica-fleet.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";

const REPLICAS = 3;
const CLIENTS = inCiOrProving(12, 64);
const TURNS_EACH = inCiOrProving(12, 200);
const SESSIONS = 3;
/** Makes epochs end, so that summaries are written. */
const FILLER = "a long story that must be told in many words ".repeat(12).trim();
/** A turn in full: an earlier summary may quote the beginning of one. */
const SUMMARISED = new RegExp(`^\\[turn (\\d+)\\]\\nuser: client (\\d+) turn \\d+ ${FILLER} `, "gm");
const WAIT = { timeout: 20_000, interval: 50 };
const RESTART_CLIENTS = 6;
const START_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = inCiOrProving(120_000, 3_600_000);

interface SentMessage {
  readonly role: string;
  readonly content: string;
}

function defineReplicas(store: string, openStore: () => Promise<string>, closeStore: () => Promise<void>): void {
  let fleet: ReplicaFleet;
  let key: string;
  beforeAll(async () => {
    fleet = await startReplicaFleet(REPLICAS, {
      STATEGATE_STORE: await openStore(),
      STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
      STATEGATE_HISTORY__FLOOR_TOKENS: "0",
      STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "60",
      STATEGATE_HISTORY__RECALL__MAX_TOKENS: "0",
      STATEGATE_HTTP__DRAIN_DELAY_MS: "2000",
    });
    key = await fleet.issueKey("--tenant", "acme");
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    await fleet.close();
    await closeStore();
  });

  let users = 0;
  const newUser = (): string => `user-${++users}`;
  const replica = (index: number): GatewayProcess => {
    const found = fleet.replicas[index % fleet.replicas.length];
    if (!found) throw new Error("no replica");
    return found;
  };
  const chats = (): (readonly SentMessage[])[] =>
    fleet.upstream.log.flatMap(({ body }) =>
      typeof body === "object" && body !== null && "messages" in body ? [body.messages as readonly SentMessage[]] : [],
    );
  const isSummary = ([first]: readonly SentMessage[]): boolean => first?.role === "system";
  const lastSent = (): string[] =>
    (chats().findLast((messages) => !isSummary(messages)) ?? []).map(({ role, content }) => `${role}: ${content}`);
  /** The same on every replica. */
  const storedOf = async (session: string, user: string): Promise<string[]> => {
    const all = await Promise.all(fleet.replicas.map(({ url }) => transcript(url, session, { key, user })));
    for (const other of all) expect(other).toEqual(all[0]);
    return all[0] ?? [];
  };
  const clientOf = (user: string): OpenAI =>
    new OpenAI({ apiKey: key, baseURL: fleet.url, maxRetries: 0, defaultHeaders: { "x-user-id": user } });

  it.each([
    { what: "sends only what is new", replays: false },
    { what: "replays everything", replays: true },
  ])("a client that $what changes replica with every turn, streamed or not", async ({ replays }) => {
    const user = newUser();
    const history: { role: "user" | "assistant"; content: string }[] = [];
    const served = new Set<string | null>();
    for (let turn = 0; turn < 2 * REPLICAS; turn += 1) {
      const said = { role: "user" as const, content: `turn ${turn} [[len:2]]` };
      const asked = clientOf(user).chat.completions;
      const messages = replays ? [...history, said] : [said];
      const options = { headers: { "x-session-id": "walk", "x-history-strategy": "full" } };
      let text = "";
      if (turn % 2 === 0) {
        const { data, response } = await asked
          .create({ model: "gpt-5", messages, stream: true }, options)
          .withResponse();
        for await (const { choices } of data) text += choices[0]?.delta.content ?? "";
        served.add(response.headers.get(SERVED_BY));
      } else {
        const { data, response } = await asked.create({ model: "gpt-5", messages }, options).withResponse();
        text = data.choices[0]?.message.content ?? "";
        served.add(response.headers.get(SERVED_BY));
      }
      history.push(said);
      expect(lastSent()).toEqual(history.map(({ role, content }) => `${role}: ${content}`));
      history.push({ role: "assistant", content: text });
    }
    expect(served.size).toBe(REPLICAS);
    expect(await storedOf("walk", user)).toEqual(history.map(({ role, content }) => `${role}: ${content}`));
  });

  it("of an edit on one of them know those that hold the session opened as it was", async () => {
    const caller = { session: "edited", key, user: newUser() };
    const full = { "x-history-strategy": "full" };
    const messages: Message[] = [];
    for (const [index, text] of ["one [[len:1]]", "two [[len:1]]", "three [[len:1]]"].entries()) {
      messages.push(said(text));
      await ask(replica(index).url, { ...caller, headers: full, messages });
      messages.push(answered("word0"));
    }
    const edited = [...messages.slice(0, 2), said("other two [[len:1]]")];
    const edit = await ask(replica(0).url, { ...caller, headers: full, messages: edited });
    edited.push(answered("word0"), said("other three [[len:1]]"));
    const replay = await ask(replica(1).url, { ...caller, headers: full, messages: edited });
    expect([edit.headers["x-history-mode"], replay.headers["x-history-mode"]]).toEqual(["edited", "replay"]);
    edited.push(answered("word0"), said("four [[len:1]]"));
    const delta = { ...full, "x-history-mode": "delta" };
    await ask(replica(2).url, { ...caller, headers: delta, messages: edited.slice(-1) });
    expect(lastSent()).toEqual(edited.map(({ role, content }) => `${role}: ${String(content)}`));
  });

  it(
    `${CLIENTS} clients at once on ${SESSIONS} sessions: no turn is lost, doubled, torn apart or overtaken, none summarised twice`,
    { timeout: TEST_TIMEOUT_MS },
    async () => {
      const user = newUser();
      const before = chats().length;
      // Long enough that several replicas wish for the same summary.
      fleet.upstream.steerSummaries("[[delay:50]]");
      await Promise.all(Array.from({ length: CLIENTS }, (_, client) => talk(client, user)));
      await Promise.all(Array.from({ length: SESSIONS }, (_, session) => expectTold(session, user)));
      const summaries = chats().slice(before).filter(isSummary);
      const turns = summaries.flatMap(([, job]) =>
        [...(job?.content ?? "").matchAll(SUMMARISED)].map(
          ([, turn, client]) => `turn ${turn} of ${Number(client) % SESSIONS}`,
        ),
      );
      expect(summaries.length).toBeGreaterThan(SESSIONS);
      expect(turns).toHaveLength(new Set(turns).size);
      process.stdout.write(
        `${REPLICAS} replicas over ${store}: ${CLIENTS * TURNS_EACH} turns at once, none lost, ${summaries.length} summaries over ${turns.length} turns, each turn once\n`,
      );
    },
  );
  async function talk(client: number, user: string): Promise<void> {
    for (let turn = 0; turn < TURNS_EACH; turn += 1) {
      const text = `client ${client} turn ${turn} ${FILLER} [[len:2]]`;
      const question = { session: `shared-${client % SESSIONS}`, key, user, stream: turn % 2 === 0 };
      const answer = await ask(fleet.url, { ...question, messages: [said(text)] });
      expect([answer.status, textOf(answer), errorCodes(answer)]).toEqual([200, "word0 word1", []]);
    }
  }
  async function expectTold(session: number, user: string): Promise<void> {
    const lines = await storedOf(`shared-${session}`, user);
    const questions = lines.filter((_, at) => at % 2 === 0).map((line) => /^user: client \d+ turn \d+/.exec(line)?.[0]);
    expect(new Set(lines.filter((_, at) => at % 2 === 1))).toEqual(new Set(["assistant: word0 word1"]));
    for (let client = session; client < CLIENTS; client += SESSIONS) {
      const own = questions.filter((line) => line?.startsWith(`user: client ${client} `));
      expect(own).toEqual(Array.from({ length: TURNS_EACH }, (_, turn) => `user: client ${client} turn ${turn}`));
    }
    expect(questions).toHaveLength(Math.ceil((CLIENTS - session) / SESSIONS) * TURNS_EACH);
  }

  it("a session that is rotated through one goes on under its new id through the others", async () => {
    const caller = { key, user: newUser() };
    await ask(fleet.url, { ...caller, session: "first", messages: [said("one [[len:1]]")] });
    const rotated = await send(`${replica(0).url}/sessions/first/rotate`, {
      method: "POST",
      headers: callerHeaders(caller),
    });
    const { id } = JSON.parse(rotated.body) as { id: string };
    const byOld = await ask(replica(1).url, { ...caller, session: "first", messages: [said("two [[len:1]]")] });
    expect(byOld.headers["x-session-id"]).toBe(id);
    await ask(replica(2).url, { ...caller, session: id, messages: [said("three [[len:1]]")] });
    const lines = await storedOf(id, caller.user);
    expect(lines.filter((line) => line.startsWith("user"))).toHaveLength(3);
  });

  it("a limit is one limit for all of them", async () => {
    const limited = await fleet.issueKey("--tenant", "limited", "--user", "eve", "--concurrent-requests", "4");
    const leaving = new AbortController();
    const before = chats().length;
    const statuses: number[] = [];
    const asked = Array.from({ length: 4 * REPLICAS }, async () => {
      const { status } = await ask(fleet.url, {
        key: limited,
        messages: [said("[[hang]]")],
        signal: leaving.signal,
      });
      statuses.push(status);
    });
    await vi.waitFor(() => expect(statuses).toEqual(Array.from({ length: 4 * REPLICAS - 4 }, () => 429)), WAIT);
    expect(chats().length - before).toBe(4);
    leaving.abort();
    await Promise.all(asked);
  });

  it("a key that is revoked is refused by all of them", async () => {
    const revoked = await fleet.issueKey("--tenant", "acme", "--label", "to revoke");
    const statuses = () =>
      Promise.all(
        fleet.replicas.map(({ url }) => send(`${url}/sessions`, { headers: callerHeaders({ key: revoked }) })),
      ).then((answers) => answers.map(({ status }) => status));
    expect(await statuses()).toEqual([200, 200, 200]);
    const list = (await fleet.command("keys", "list")).split("\n");
    const { id } = JSON.parse(list.find((line) => line.includes("to revoke")) ?? "{}") as { id: string };
    await fleet.command("keys", "revoke", id);
    const revokedAt = performance.now();
    await vi.waitFor(async () => expect(await statuses()).toEqual([401, 401, 401]), WAIT);
    process.stdout.write(
      `${REPLICAS} replicas over ${store} refuse a revoked key after ${Math.round(performance.now() - revokedAt)} ms\n`,
    );
  });

  it("an erasure through one ends what runs on the others, and nothing comes back", async () => {
    const caller = { key, user: newUser() };
    const headers = callerHeaders(caller);
    const session = (index: number): string => `erased-${index}`;
    for (const [index, { url }] of fleet.replicas.entries()) {
      await ask(url, { ...caller, session: session(index), messages: [said("remember [[len:1]]")] });
    }
    let started = 0;
    // One of a session that the replica holds opened, and one of a session that begins.
    const running = fleet.replicas.flatMap(({ url }, index) =>
      [session(index), `new-${index}`].map((name) => {
        const messages = [said("go on [[len:40]] [[slow:25]]")];
        const leaveAt = (_: string, count: number): boolean => (count === 2 && (started += 1), false);
        return ask(url, { ...caller, session: name, stream: true, messages, leaveAt });
      }),
    );
    await vi.waitFor(() => expect(started).toBe(2 * REPLICAS), WAIT);
    const erased = await send(`${fleet.url}/me`, { method: "DELETE", headers });
    expect([erased.status, JSON.parse(erased.body)]).toEqual([
      200,
      expect.objectContaining({ signature: expect.any(String) }),
    ]);
    for (const answer of await Promise.all(running)) expect(answer.events.at(-1)).toBe("[DONE]");
    for (const { url } of fleet.replicas) {
      expect(JSON.parse((await send(`${url}/sessions`, { headers })).body)).toMatchObject({ data: [] });
    }
    for (const [index, { url }] of fleet.replicas.entries()) {
      const answer = await ask(url, { ...caller, session: session(index), messages: [said("anew [[len:1]]")] });
      expect(answer.headers["x-history-mode"]).toBe("new");
      expect(lastSent()).toEqual(["user: anew [[len:1]]"]);
    }
  });

  it("one that dies takes no session along", async () => {
    const caller = { key, user: newUser(), session: "orphan" };
    for (let turn = 0; turn < REPLICAS; turn += 1) {
      await ask(fleet.url, { ...caller, messages: [said(`turn ${turn} [[len:1]]`)] });
    }
    const victim = replica(0);
    let died: Promise<void> | undefined;
    const cut = await ask(victim.url, {
      ...caller,
      stream: true,
      messages: [said("turn 3 [[len:40]] [[slow:50]]")],
      leaveAt: (_, count) => (count === 3 && (died ??= fleet.kill(victim)), false),
    });
    await died;
    expect([cut.whole, cut.events.includes("[DONE]")]).toEqual([false, false]);
    await fleet.add();
    for (let turn = 3; turn < 3 + REPLICAS; turn += 1) {
      const answer = await ask(fleet.url, { ...caller, messages: [said(`turn ${turn} [[len:1]]`)] });
      expect(answer.status).toBe(200);
    }
    expect(await storedOf(caller.session, caller.user)).toEqual(
      Array.from({ length: 3 + REPLICAS }, (_, turn) => [`user: turn ${turn} [[len:1]]`, "assistant: word0"]).flat(),
    );
  });

  it("all of them are restarted one after another under load, and no request fails", async () => {
    const user = newUser();
    let isOver = false;
    const failed: unknown[] = [];
    const clients = Array.from({ length: RESTART_CLIENTS }, async (_, client) => {
      let turns = 0;
      for (; !isOver; turns += 1) {
        const stream = turns % 2 === 0;
        const question = { session: `restart-${client}`, key, user, stream };
        const answer = await ask(fleet.url, { ...question, messages: [said(`turn ${turns} [[len:10]] [[slow:5]]`)] });
        const isWhole = stream ? answer.events.at(-1) === "[DONE]" : answer.whole;
        if (answer.status !== 200 || !isWhole || errorCodes(answer).length > 0) failed.push([turns, answer]);
      }
      return turns;
    });
    const old = fleet.replicas;
    for (const replica of old) {
      const [, code] = await Promise.all([fleet.add(), fleet.stop(replica)]);
      expect(code).toBe(0);
    }
    isOver = true;
    const turns = await Promise.all(clients);
    expect(failed).toEqual([]);
    for (const [client, count] of turns.entries()) {
      const lines = await storedOf(`restart-${client}`, user);
      expect(lines.filter((_, at) => at % 2 === 0)).toEqual(
        Array.from({ length: count }, (_, turn) => `user: turn ${turn} [[len:10]] [[slow:5]]`),
      );
    }
    process.stdout.write(
      `${REPLICAS} replicas over ${store} restarted under ${turns.reduce((sum, count) => sum + count)} turns, 0 failed\n`,
    );
  });
}

describe("three replicas over one SQLite file", () => {
  let folder: TempFolder;
  const open = async (): Promise<string> => {
    folder = await createTempFolder();
    return `sqlite:${join(folder.path, "stategate.db")}`;
  };
  defineReplicas("SQLite", open, () => folder.remove());
});

describeWithRedis("three replicas over one Redis", () => {
  let redis: RedisServer;
  const open = async (): Promise<string> => {
    redis = await startRedisServer();
    return redis.url;
  };
  defineReplicas("Redis", open, () => redis.stop());
});
