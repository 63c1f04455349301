import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";

import type { HistoryKnobs, HistoryMessage } from "../../../src/history/history-strategy.ts";
import { createRecallIndex, type RecallIndex } from "../../../src/history/recall/recall-index.ts";
import { openTermReader, type TermReader } from "../../../src/history/recall/term-reader.ts";
import { strategyFor } from "../../../src/history/strategy-registry.ts";
import { appendTail } from "../../../src/history/tail-note.ts";
import type { Log } from "../../../src/kit/log.ts";
import type { RecallShelf } from "../../../src/turn/recall-shelf.ts";
import { type RecallParts, recallForTurn } from "../../../src/turn/recall-turn.ts";
import type { SessionCache } from "../../../src/turn/session-cache.ts";
import type { TurnPorts, TurnSettings } from "../../../src/turn/turn-ports.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { countText, knobs, tool, user, viewOf } from "../history/history-session.ts";
import { breachOf } from "../history/legal-sequence.ts";
import { message, openedSession, turnRecord } from "./turn-fixtures.ts";

const QUESTION = "What does my sister keep in Lisbon?";
const words = ["sister", "rain", "roof", "goats", "chimney", "Köln", "I", "the", "again", "long ".repeat(40)];

let reader: TermReader;
beforeAll(async () => void (reader = await openTermReader()));

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const unused: Omit<RecallShelf, "reader" | "indexOf"> = {
  follow: () => undefined,
  followed: async () => undefined,
  keepVectors: () => false,
  idle: async () => undefined,
  drop: () => undefined,
  forget: () => undefined,
};

interface Case {
  readonly said: readonly string[];
  readonly incoming?: readonly HistoryMessage[];
  readonly maxTokens?: number;
  readonly knobs?: Partial<HistoryKnobs>;
  readonly indexOf?: () => Promise<RecallIndex>;
}

/** Plans a request that sends exactly the last turn of what was said, as `semantic` does. */
async function plan({ said, incoming = [user(QUESTION)], maxTokens = 2_000, ...more }: Case) {
  const session = openedSession(
    said.map((text, sequence) =>
      turnRecord(`t${sequence}`, {
        sequence,
        messages: [message("user", text)],
        answers: [message("assistant", text)],
      }),
    ),
  );
  const view = viewOf({
    turns: session.active,
    incoming,
    knobs: { ...knobs, keepTurns: 1, exact: true, ...more.knobs },
  });
  const selection = strategyFor("semantic").select(view);
  const index = createRecallIndex(reader, { episodeGapMs: 1_000 });
  for (const [turn, { record, messages }] of session.active.entries()) {
    await index.add({ key: String(turn), at: record.at, messages });
  }
  const warnings: object[] = [];
  const log: Log = { ...silent, warn: (fields) => void warnings.push(fields) };
  const parts: RecallParts = {
    ports: {
      settings: {
        recall: { maxTokens, scope: "session", embeddings: {} },
        binding: { ip: "off", userAgent: "off" },
      } as TurnSettings,
      log,
    } as TurnPorts,
    shelf: { ...unused, reader: async () => reader, indexOf: more.indexOf ?? (async () => index) },
    cache: {} as SessionCache,
  };
  const held = { session, kept: session.active };
  const recall = await recallForTurn(parts, {
    owner: "owner",
    credential: undefined,
    held,
    view,
    selection,
    hidden: undefined,
  });
  return { recall, view, selection, warnings };
}

const told = ["My sister keeps bees in Lisbon.", ...Array.from({ length: 20 }, (_, at) => `Rain fell on roof ${at}.`)];

describe("recalling for a turn", () => {
  it("tells what is asked for", async () => {
    const { recall } = await plan({ said: told });
    expect(recall?.outcome).toBe("recalled");
    expect(recall?.text).toContain("My sister keeps bees in Lisbon.");
  });

  it("leaves a request alone whose newest message is not the user's, or that leaves nothing out", async () => {
    expect((await plan({ said: told, incoming: [tool("call")] })).recall).toBeUndefined();
    expect((await plan({ said: told.slice(0, 1) })).recall).toBeUndefined();
    expect((await plan({ said: told, maxTokens: 0 })).recall).toBeUndefined();
  });

  it("reads nothing for a message that asks nothing", async () => {
    const indexOf = () => Promise.reject(new Error("was read"));
    const { recall } = await plan({ said: told, incoming: [user("Good morning.")], indexOf });
    expect(recall?.outcome).toBe("not_asked");
  });

  it("answers without it when it fails, and says so in the log", async () => {
    const { recall, warnings } = await plan({ said: told, indexOf: () => Promise.reject(new Error("no store")) });
    expect(recall).toEqual({ outcome: "failed", text: undefined, tokens: 0 });
    expect(warnings).toHaveLength(1);
  });

  it("never exceeds its room or the cap, never repeats what is sent, and leaves the sequence legal", async () => {
    const remark = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 8 }).map((list) => list.join(" "));
    let recalled = 0;
    const property = fc.asyncProperty(
      fc.array(remark, { minLength: 2, maxLength: 30 }),
      fc.nat(600),
      fc.constantFrom(150, 400, 100_000),
      async (said, maxTokens, cap) => {
        const all = ["My sister keeps bees in Lisbon.", ...said];
        const { recall, view, selection } = await plan({ said: all, maxTokens, knobs: { maxTokens: cap } });
        if (!recall?.text) return;
        recalled += 1;
        expect(recall.tokens).toBeLessThanOrEqual(maxTokens);
        const newest = selection.incoming.at(-1);
        if (!newest) throw new Error("the newest message is gone");
        const sent = [...selection.history, appendTail(newest, recall.text, countText)];
        const tokens = sent.reduce((sum, one) => sum + one.tokens, 3);
        expect(tokens).toBeLessThanOrEqual(cap);
        expect(breachOf(sent)).toBeUndefined();
        const lines = recall.text.split("\n");
        for (const { stored } of view.turns.slice(selection.epoch.firstTurn)) {
          for (const { role, bytes } of stored) {
            const { content } = JSON.parse(bytes.toString("utf8")) as { content: string };
            expect(lines).not.toContain(`${role}: ${content.trim()}`);
          }
        }
      },
    );
    await fc.assert(property, { numRuns: inCiOrProving(150, 10_000) });
    process.stdout.write(`recall on a turn: ${recalled} times recalled, 0 failures\n`);
    expect(recalled).toBeGreaterThan(20);
  });
});
