/** A replica that is killed while its summary is being written: its lease runs out, and another one writes the summary. */
import { join } from "node:path";

import { expect, it, vi } from "vitest";

import type { LoggedRequest } from "../../src/demo/simulated-upstream.ts";
import { ask, errorCodes, said, textOf, transcript } from "../support/fault-client.ts";
import { describeWithRedis, startRedisServer } from "../support/redis-server.ts";
import { type ReplicaFleet, startReplicaFleet } from "../support/replica-fleet.ts";
import { createTempFolder } from "../support/store-temp-folder.ts";

const REPLICAS = 3;
const SESSION = "long";
const FILLER = "a long story that must be told in many words ".repeat(12).trim();
/** How a summary is given a turn to read. */
const SUMMARISED = new RegExp(`^\\[turn \\d+\\]\\nuser: turn (\\d+) ${FILLER} `, "gm");
const BY_MODEL = /^<conversation_notes>[^]*\n\nSummary: /;
const MAX_TURNS = 200;
/** The lease lasts five seconds longer. */
const SUMMARY_TIMEOUT_MS = 3_000;
const WAIT = { timeout: 60_000, interval: 500 };

interface SentMessage {
  readonly role: string;
  readonly content: string;
}

const messagesOf = ({ body }: LoggedRequest): readonly SentMessage[] =>
  (body as { messages?: readonly SentMessage[] } | undefined)?.messages ?? [];
const isSummary = (request: LoggedRequest): boolean => messagesOf(request)[0]?.role === "system";
const summarisedIn = (request: LoggedRequest): string[] =>
  [...(messagesOf(request)[1]?.content ?? "").matchAll(SUMMARISED)].map(([, turn = ""]) => turn);

async function loseWriter(address: string): Promise<void> {
  const fleet = await startReplicaFleet(REPLICAS, {
    STATEGATE_STORE: address,
    STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
    STATEGATE_HISTORY__FLOOR_TOKENS: "0",
    STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "60",
    STATEGATE_HISTORY__SUMMARY__TIMEOUT_MS: String(SUMMARY_TIMEOUT_MS),
    STATEGATE_HISTORY__RECALL__MAX_TOKENS: "0",
  });
  try {
    await expectOneSummary(fleet);
  } finally {
    await fleet.close();
  }
}

async function expectOneSummary(fleet: ReplicaFleet): Promise<void> {
  const { upstream } = fleet;
  const [writer] = fleet.replicas;
  if (!writer) throw new Error("no replica");
  const caller = { key: await fleet.issueKey("--tenant", "acme"), user: "ada", session: SESSION };
  const told: string[] = [];
  const playTurn = async (baseUrl: string): Promise<void> => {
    if (told.length > 2 * MAX_TURNS) throw new Error(`no summary in ${MAX_TURNS} turns`);
    const text = `turn ${told.length / 2} ${FILLER} [[len:2]]`;
    const answer = await ask(baseUrl, { ...caller, stream: told.length % 4 === 0, messages: [said(text)] });
    expect([answer.status, textOf(answer), errorCodes(answer)]).toEqual([200, "word0 word1", []]);
    told.push(`user: ${text}`, "assistant: word0 word1");
  };
  const summaries = (): LoggedRequest[] => upstream.log.filter(isSummary);
  const notesSent = (): string => {
    const newest = upstream.log.findLast((request) => messagesOf(request).length > 0 && !isSummary(request));
    return (newest && messagesOf(newest)[0]?.content) ?? "";
  };

  upstream.steerSummaries("[[hang]]");
  while (summaries().length === 0) await playTurn(writer.url);
  await fleet.kill(writer);
  await vi.waitFor(() => expect(summaries().map(({ aborted }) => aborted)).toEqual([true]), WAIT);
  upstream.steerSummaries("");
  // Both that are left wish for it after every turn.
  await vi.waitFor(async () => {
    await playTurn(fleet.url);
    expect(summaries()).toHaveLength(2);
  }, WAIT);
  while (!BY_MODEL.test(notesSent())) await playTurn(fleet.url);
  // The next one goes on where that ends.
  while (summaries().length < 3) await playTurn(fleet.url);

  const [lost, ...written] = summaries();
  const [first] = written;
  if (!lost || !first) throw new Error("no summary");
  expect(first.at - lost.at).toBeGreaterThan(SUMMARY_TIMEOUT_MS);
  expect(summarisedIn(first)).toEqual(expect.arrayContaining(summarisedIn(lost)));
  const turns = written.flatMap(summarisedIn);
  expect(turns).toEqual(turns.map((_, turn) => String(turn)));
  await fleet.add();
  for (const { url } of fleet.replicas) expect(await transcript(url, SESSION, caller)).toEqual(told);
}

// Most of the time is the lease's: both wait for theirs at once.
describeWithRedis("a replica killed while its summary is written", () => {
  it.concurrent("over a SQLite file: another one writes it when the lease has run out, once, and no turn is lost", async () => {
    const folder = await createTempFolder();
    await loseWriter(`sqlite:${join(folder.path, "stategate.db")}`).finally(() => folder.remove());
  });

  it.concurrent("over a Redis: another one writes it when the lease has run out, once, and no turn is lost", async () => {
    const redis = await startRedisServer();
    await loseWriter(redis.url).finally(() => redis.stop());
  });
});
