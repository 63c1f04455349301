/** The failure table of DESIGN.md for the summariser: the last good summary stays, a digest stands in, and it is counted. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ask, degradedCounts, said, transcript } from "../support/fault-client.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const MAX_TURNS = 60;
const NOTES = "<conversation_notes>";
const BY_MODEL = "Summary: ";
const SESSION = "long";

let gateway: TestGateway;
let turns = 0;
beforeEach(async () => {
  turns = 0;
  gateway = await startTestGateway({
    env: {
      STATEGATE_STORE: "memory:",
      STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
      STATEGATE_HISTORY__FLOOR_TOKENS: "0",
      STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "60",
    },
  });
});
afterEach(() => gateway.close());

interface SentMessage {
  readonly role: string;
  readonly content: string;
}

const sentMessages = (body: unknown): readonly SentMessage[] =>
  (body as { readonly messages: readonly SentMessage[] } | undefined)?.messages ?? [];
const isSummaryRequest = (body: unknown): boolean => sentMessages(body)[0]?.role === "system";
const summaryRequests = (): number => gateway.upstream.log.filter(({ body }) => isSummaryRequest(body)).length;

const lastSent = (): readonly SentMessage[] =>
  sentMessages(gateway.upstream.log.findLast(({ body }) => body !== undefined && !isSummaryRequest(body))?.body);

/** Text of the notes in the newest conversation request; "" when it had none. */
function notesSent(): string {
  const content = lastSent()[0]?.content ?? "";
  return content.startsWith(NOTES) ? content.slice(content.indexOf("\n\n") + 2) : "";
}

async function playTurn(): Promise<void> {
  const filler = `The ${turns}th garden holds many flowers. `.repeat(40);
  const answer = await ask(gateway.url, { session: SESSION, messages: [said(`turn ${turns} ${filler} [[len:1]]`)] });
  expect(answer.status).toBe(200);
  turns += 1;
}

async function playUntil(isReached: () => boolean): Promise<void> {
  const end = turns + MAX_TURNS;
  while (!isReached()) {
    if (turns > end) throw new Error(`not reached in ${MAX_TURNS} turns`);
    await playTurn();
  }
}

const failures = async (): Promise<number> => (await degradedCounts(gateway.origin))["summary_failed"] ?? 0;

describe("when a summary fails", () => {
  it.each([
    { how: "is refused by the model", directive: "[[refuse]]" },
    { how: "breaks off at its token limit", directive: "[[finish:length]]" },
    { how: "is empty", directive: "[[len:0]]" },
    { how: "is answered with an error", directive: "[[error:400]]" },
    { how: "is not JSON", directive: "[[garbage]]" },
  ])("because it $how, the last good one stays until a digest stands in", async ({ directive }) => {
    await playUntil(() => notesSent().startsWith(BY_MODEL));
    const lastGood = notesSent();
    gateway.upstream.steerSummaries(directive);
    const asked = summaryRequests();
    await playUntil(() => {
      expect(notesSent()).toBe(lastGood);
      return summaryRequests() > asked;
    });
    await vi.waitFor(async () => expect(await failures()).toBe(1));

    const sentBefore = lastSent().length;
    await playUntil(() => notesSent() !== lastGood);
    expect(lastSent().length).toBeLessThan(sentBefore);
    const digest = notesSent();
    expect(digest).not.toBe("");
    expect(await failures()).toBe(1);

    gateway.upstream.steerSummaries("");
    await playUntil(() => notesSent().startsWith(BY_MODEL) && notesSent() !== digest);
    const stored = await transcript(gateway.url, SESSION);
    expect(stored.filter((line) => line.startsWith("user: ")).map((line) => /turn (\d+)/.exec(line)?.[1])).toEqual(
      Array.from({ length: turns }, (_, turn) => String(turn)),
    );
  });
});

describe("a summary that is still being made while the next turn runs", () => {
  it.each([
    { how: "and then comes", directive: "[[delay:100]]", failed: 0 },
    { how: "and then fails", directive: "[[delay:100]] [[refuse]]", failed: 1 },
  ])("$how is not asked for, and paid, again when that turn ends", async ({ directive, failed }) => {
    await playUntil(() => notesSent().startsWith(BY_MODEL));
    const notes = notesSent();
    const asked = summaryRequests();
    gateway.upstream.steerSummaries(directive);
    await playUntil(() => summaryRequests() > asked);
    const late = ask(gateway.url, { session: SESSION, messages: [said("a slow one [[delay:400]] [[len:1]]")] });
    expect((await late).status).toBe(200);
    expect(await failures()).toBe(failed);
    await playTurn();
    expect(notesSent()).not.toBe(notes);
    // Closing waits for all upkeep.
    await gateway.close();
    expect(summaryRequests()).toBe(asked + 1);
  });
});
