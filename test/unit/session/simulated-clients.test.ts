import { hash, randomBytes } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { ChatMessage } from "../../../src/protocol/chat-message.ts";
import type { KeyedHash } from "../../../src/sealing/keyed-hash.ts";
import { activeTurns, type ActiveTurn, transcriptMessages } from "../../../src/session/active-turns.ts";
import { createFingerprinter, foldChain } from "../../../src/session/fingerprint.ts";
import { reconcile } from "../../../src/session/reconcile-conversation.ts";
import type { ClientHabits, Reconciled, TranscriptPrint } from "../../../src/session/reconcile.ts";
import { decodeTurnRecord, encodeTurnRecord } from "../../../src/session/turn-record-codec.ts";
import type { StoredMessage } from "../../../src/session/turn-record.ts";
import { clientScripts } from "../../support/client-script.ts";
import { type ClientRequest, playScript } from "../../support/play-script.ts";
import { createReferenceConversation, type Said } from "../../support/reference-conversation.ts";
import { readMessage, type WireMessage } from "../../support/wire-styles.ts";

const keyedHash: KeyedHash = {
  hash: (purpose, ...parts) => hash("sha256", JSON.stringify([purpose, parts]), "base64url"),
};
const fingerprintOf = createFingerprinter(keyedHash);
const redact = (json: string): string => json.replaceAll("ada@example.com", "[EMAIL_00000001]");

/** The parts under test, put together as a gateway does, with nothing else. */
function createSession() {
  const log: { id: string; bytes: Buffer }[] = [];
  let habits: ClientHabits = { preamble: 0, preambleChain: "", replayed: false };
  const modes: string[] = [];

  const active = (): readonly ActiveTurn[] =>
    activeTurns(log.map(({ id, bytes }, sequence) => decodeTurnRecord(bytes, { id, sequence })));

  async function execute({ messages, mode, wanted, ending, delay, pick }: ClientRequest) {
    const turns = active();
    const incoming = messages.map((message) => ({
      role: message.role,
      fingerprint: fingerprintOf(message as ChatMessage),
    }));
    const whole = reconcile(printOf(turns, 0, habits), incoming, mode);
    if ("needsTurnsFrom" in whole) throw new Error("asked for turns that it was given");
    const part = reconcile(printOf(turns, pick % (turns.length + 1), habits), incoming, mode);
    if (!("needsTurnsFrom" in part)) expect(part).toEqual(whole);
    modes.push(whole.mode);
    for (let wait = 0; wait <= delay; wait += 1) await Promise.resolve();
    if (ending === "refused") return undefined;
    log.push({
      id: randomBytes(16).toString("hex"),
      bytes: encodeTurnRecord(recordOf(whole, { turns, messages, wanted, ending, at: log.length })),
    });
    habits = { ...whole.habits, replayed: habits.replayed || whole.habits.replayed };
    return wanted;
  }

  return { execute, modes, transcript: () => transcriptMessages(active()).map(({ bytes }) => bytes.toString("utf8")) };
}

function printOf(turns: readonly ActiveTurn[], firstTurn: number, habits: ClientHabits): TranscriptPrint {
  const before = transcriptMessages(turns.slice(0, firstTurn));
  const chainBefore = before.reduce((chain, { seen }) => foldChain(chain, seen), "");
  return {
    ...habits,
    firstTurn,
    messagesBefore: before.length,
    chainBefore,
    turns: turns.slice(firstTurn),
  };
}

interface Turn extends Pick<ClientRequest, "messages" | "wanted" | "ending"> {
  readonly turns: readonly ActiveTurn[];
  readonly at: number;
}

function recordOf(reconciled: Reconciled, { turns, messages, wanted, ending, at }: Turn) {
  const { keepTurns, keepMessages, freshFrom, previousChoice } = reconciled;
  const carried = turns[keepTurns]?.record.messages.slice(0, keepMessages) ?? [];
  return {
    id: "",
    sequence: 0,
    at,
    status: ending === "complete" ? ("complete" as const) : ("incomplete" as const),
    model: "gpt-5",
    rewindTo: keepTurns < turns.length ? (turns[keepTurns - 1]?.record.id ?? "") : undefined,
    previousChoice,
    messages: [...carried, ...messages.slice(freshFrom).map(storedMessage)],
    answers: wanted.map(storedMessage),
    finishReasons: wanted.map(() => "stop"),
    usage: undefined,
    requestHash: "",
    idempotencyHash: undefined,
  };
}

function storedMessage(message: WireMessage): StoredMessage {
  const bytes = Buffer.from(redact(JSON.stringify(message)));
  const redacted = JSON.parse(bytes.toString("utf8")) as ChatMessage;
  const prints = { seen: fingerprintOf(message), stored: fingerprintOf(redacted) };
  return { role: message.role, bytes, tokens: 1, toolCallIds: [], toolCallId: undefined, redactions: 0, ...prints };
}

const written = (messages: readonly Said[]): string[] => messages.map((said) => redact(JSON.stringify(said)));
const meant = (stored: readonly string[]): string[] =>
  stored.map((json) => JSON.stringify(readMessage(JSON.parse(json) as WireMessage)));

describe("simulated clients against the reference conversation", () => {
  it(
    "no message is doubled, lost or moved, whoever sends what and whoever is first",
    { timeout: 120_000 },
    async () => {
      const scripts = clientScripts({ maxClients: 3, maxSteps: 8, words: ["unique", "few"], races: true });
      await fc.assert(
        fc.asyncProperty(scripts, async (script) => {
          const session = createSession();
          const reference = createReferenceConversation();
          await playScript(script, {
            execute: session.execute,
            reference,
            check({ expectedModes }) {
              expect(session.modes).toEqual(expectedModes);
              expect(meant(session.transcript())).toEqual(written(reference.transcript()));
            },
          });
        }),
        { numRuns: 10_000 },
      );
    },
  );

  it("a client alone finds exactly the conversation that it believes in", { timeout: 120_000 }, async () => {
    expect.hasAssertions();
    const scripts = clientScripts({ maxClients: 1, maxSteps: 10, words: ["unique"], races: false });
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        const session = createSession();
        await playScript(script, {
          execute: session.execute,
          reference: createReferenceConversation(),
          check({ beliefs: [belief] }) {
            const stored = meant(session.transcript());
            // A client whose requests all failed still believes in its opening.
            expect(stored).toEqual(stored.length > 0 ? written(belief ?? []) : []);
          },
        });
      }),
      { numRuns: 5_000 },
    );
  });
});
