/** Replicas over one Redis: turns of one session through either of them, one after another and at once. */
import { afterAll, beforeAll, expect, it } from "vitest";

import {
  ask,
  callerHeaders,
  degradedCounts,
  errorCodes,
  type Message,
  said,
  send,
  textOf,
  transcript,
} from "../support/fault-client.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const REPLICAS = 2;

let redis: RedisServer;
let replicas: TestGateway[];
beforeAll(async () => {
  redis = await startRedisServer();
  const env = {
    STATEGATE_STORE: redis.url,
    ...masterKeys,
    STATEGATE_STORE__TIMEOUT_MS: "10000",
    STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
    STATEGATE_HISTORY__FLOOR_TOKENS: "0",
    STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "60",
  };
  const first = await startTestGateway({ env });
  const others = Array.from({ length: REPLICAS - 1 }, () => startTestGateway({ env, upstream: first.upstream }));
  replicas = [first, ...(await Promise.all(others))];
});
afterAll(async () => {
  for (const replica of replicas.toReversed()) await replica.close();
  await redis.stop();
});

let sessions = 0;
const newSession = (): string => `shared-${++sessions}`;
const replica = (index: number): TestGateway => {
  const found = replicas[index % REPLICAS];
  if (!found) throw new Error("no replica");
  return found;
};

interface SentMessage {
  readonly role: string;
  readonly content: string;
}

const chatBodies = (): (readonly SentMessage[])[] =>
  replica(0).upstream.log.flatMap(({ body }) =>
    typeof body === "object" && body !== null && "messages" in body ? [body.messages as readonly SentMessage[]] : [],
  );
const summaryBodies = () => chatBodies().filter(([first]) => first?.role === "system");
const lastBody = () => chatBodies().findLast(([first]) => first?.role !== "system") ?? [];

const text = (name: string): string => `${name} [[len:2]]`;
const stored = (name: string): string[] => [`user: ${text(name)}`, "assistant: word0 word1"];

async function take(at: TestGateway, session: string, name: string, stream: boolean): Promise<void> {
  const answer = await ask(at.url, { session, stream, messages: [said(text(name))] });
  expect({ status: answer.status, text: textOf(answer), codes: errorCodes(answer) }).toEqual({
    status: 200,
    text: "word0 word1",
    codes: [],
  });
}

async function expectSameEverywhere(session: string): Promise<string[]> {
  const [first = [], ...others] = await Promise.all(replicas.map(({ url }) => transcript(url, session)));
  for (const other of others) expect(other).toEqual(first);
  return first;
}

describeWithRedis("two replicas over one Redis", () => {
  it("take turns of one session as one would, and each sends what the other stored", async () => {
    const session = newSession();
    const names = Array.from({ length: 12 }, (_, turn) => `turn-${turn}`);
    for (const [turn, name] of names.entries()) {
      await take(replica(turn), session, name, turn % 3 === 0);
      expect(lastBody().map(({ content }) => content)).toEqual(
        names
          .slice(0, turn + 1)
          .flatMap((earlier) => (earlier === name ? [text(earlier)] : [text(earlier), "word0 word1"])),
      );
    }
    expect(await expectSameEverywhere(session)).toEqual(names.flatMap(stored));
  });

  it("let a replaying client change replicas with every request", async () => {
    const session = newSession();
    const messages: Message[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      messages.push(said(text(`turn-${turn}`)));
      const answer = await ask(replica(turn).url, { session, messages });
      expect(answer.headers["x-history-mode"]).toBe(turn === 0 ? "new" : "replay");
      messages.push({ role: "assistant", content: textOf(answer) });
    }
    expect(await expectSameEverywhere(session)).toEqual(
      Array.from({ length: 8 }, (_, turn) => stored(`turn-${turn}`)).flat(),
    );
  });

  it("answer parallel turns of one session: none is lost, doubled or torn apart", async () => {
    const session = newSession();
    const rounds = 6;
    const atOnce = 8;
    for (let round = 0; round < rounds; round += 1) {
      const names = Array.from({ length: atOnce }, (_, index) => `turn-${round}-${index}`);
      await Promise.all(names.map((name, index) => take(replica(index), session, name, index % 3 === 0)));
    }
    const lines = await expectSameEverywhere(session);
    expect(lines).toHaveLength(rounds * atOnce * 2);
    const seen = lines.flatMap((line, at) => {
      const name = /^user: (turn-(\d+)-\d+) /.exec(line);
      if (!name) return [];
      expect(lines[at + 1]).toBe("assistant: word0 word1");
      return [{ name: name[1], round: Number(name[2]) }];
    });
    expect(new Set(seen.map(({ name }) => name)).size).toBe(rounds * atOnce);
    // Within a round any order is right; no round overtakes another.
    const order = seen.map(({ round }) => round);
    expect(order).toEqual(order.toSorted((one, other) => one - other));
    for (const { origin } of replicas) expect(await degradedCounts(origin)).toEqual({});
  });

  it("create one session at once: both first turns are kept in one session", async () => {
    for (let round = 0; round < 10; round += 1) {
      const session = newSession();
      await Promise.all(replicas.map((at, index) => take(at, session, `first-${index}`, index % 2 === 0)));
      const lines = await expectSameEverywhere(session);
      expect(lines.toSorted()).toEqual(replicas.flatMap((_, index) => stored(`first-${index}`)).toSorted());
    }
  });

  it("agree that a session is gone, whoever removed it, and never mistake its successor for it", async () => {
    const session = newSession();
    await take(replica(0), session, "before", false);
    await take(replica(1), session, "before-too", false);
    const removed = await send(`${replica(0).url}/sessions/${session}`, {
      method: "DELETE",
      headers: callerHeaders({}),
    });
    expect(removed.status).toBe(200);
    for (const { url } of replicas) expect(await transcript(url, session)).toEqual([]);
    await take(replica(1), session, "after", false);
    await take(replica(0), session, "after-too", true);
    expect(await expectSameEverywhere(session)).toEqual(["after", "after-too"].flatMap(stored));
    expect(lastBody().map(({ content }) => content)).toEqual([text("after"), "word0 word1", text("after-too")]);
  });

  it("make each summary once, however many of them wish for it at the same time", async () => {
    const session = newSession();
    const before = summaryBodies().length;
    const filler = "a long story that must be told in many words ".repeat(12);
    for (let turn = 0; turn < 40; turn += 1) {
      await Promise.all(
        replicas.map((at, index) => take(at, session, `turn-${turn}-${index} ${filler}`, (turn + index) % 2 === 0)),
      );
    }
    // Closing waits for all upkeep.
    await Promise.all(replicas.map((at) => at.restart()));
    const told = summaryBodies()
      .slice(before)
      .map((messages) =>
        [...(messages[1]?.content ?? "").matchAll(/^\[turn (\d+)\]$/gm)].map(([, turn]) => Number(turn)),
      );
    expect(told.length).toBeGreaterThan(2);
    const turns = told.flat();
    expect(turns).toEqual(Array.from({ length: turns.length }, (_, turn) => turn));
    const lines = await expectSameEverywhere(session);
    expect(lines).toHaveLength(40 * REPLICAS * 2);
    process.stdout.write(
      `two replicas: ${lines.length / 2} turns in parallel, ${told.length} summaries over ${turns.length} turns, each turn summarised once\n`,
    );
  });
});
