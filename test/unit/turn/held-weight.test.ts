import { createHash, createSecretKey, randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { expect, it } from "vitest";

import type { ChatMessage } from "../../../src/protocol/chat-message.ts";
import { createKeyedHash } from "../../../src/sealing/create-keyed-hash.ts";
import { createNonceSource } from "../../../src/sealing/nonce-source.ts";
import { createSessionSealer } from "../../../src/sealing/sealed-record.ts";
import { type ActiveTurn, activeTurn } from "../../../src/session/active-turns.ts";
import { createFingerprinter } from "../../../src/session/fingerprint.ts";
import { decodeTurnRecord, encodeTurnRecord } from "../../../src/session/turn-record-codec.ts";
import { bytesOfMessages, type TurnRecord } from "../../../src/session/turn-record.ts";
import { logRecord, recordBytes } from "../../../src/turn/opened-session.ts";
import { redactMessages } from "../../../src/turn/redact-turn.ts";

const TURNS = 2_000;
const WARM_UP = 50;
const fingerprint = createFingerprinter(createKeyedHash(createSecretKey(Buffer.alloc(32, 7))));
const unused = (): never => {
  throw new Error("nothing is redacted or counted here");
};
const counter = { vocabulary: "none", countMessage: unused, countInSlices: unused, countText: unused };
const chainOf = (at: number): string => createHash("sha256").update(`${at}`).digest("base64url");

/** As a request's messages come: cut out of its body. */
const bytesOf = (message: ChatMessage): Buffer => Buffer.from(`[${JSON.stringify(message)}]`).subarray(1, -1);

async function storedTurn(at: number): Promise<TurnRecord> {
  const question: ChatMessage = { role: "user", content: `What was the sum of invoice ${at} in March?` };
  const answer: ChatMessage = { role: "assistant", content: `Invoice ${at} was over 1,200 euros and is paid.` };
  const clear = [question, answer].map((message) => ({
    message,
    bytes: message === question ? bytesOf(message) : undefined,
    fingerprint: fingerprint(message),
    tokens: 20,
  }));
  const { messages } = await redactMessages({ redactor: undefined, name: unused, counter, fingerprint }, clear);
  return {
    id: randomBytes(16).toString("hex"),
    sequence: at,
    at: 1_800_000_000_000 + at,
    status: "complete",
    model: "gpt-5",
    rewindTo: undefined,
    previousChoice: 0,
    messages: messages.slice(0, 1),
    answers: messages.slice(1),
    finishReasons: ["stop"],
    usage: { promptTokens: at, completionTokens: 20, cachedTokens: 0, cacheWriteTokens: 0, textTokens: 20 },
    requestHash: chainOf(-at),
    idempotencyHash: undefined,
  };
}

async function readTurn(at: number): Promise<TurnRecord> {
  const record = await storedTurn(at);
  const plaintext = encodeTurnRecord(record);
  return decodeTurnRecord(Buffer.from(new Uint8Array(plaintext).buffer), record);
}

function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function weigh(turnAt: (at: number) => Promise<TurnRecord>) {
  const held = await weighAll(async (at): Promise<ActiveTurn> => {
    const record = logRecord(await turnAt(at), { sequence: at, chainBefore: chainOf(at) });
    return activeTurn(record, 0);
  });
  const { record } = held.first;
  const text = bytesOfMessages([...record.messages, ...record.answers]);
  return { besidesText: held.bytes - text, counted: recordBytes(record), bytes: held.bytes };
}

async function weighAll<Item>(make: (at: number) => Item | Promise<Item>): Promise<{ first: Item; bytes: number }> {
  const first = await make(0);
  for (let at = 0; at < WARM_UP; at += 1) await make(at);
  const held: Item[] = Array.from({ length: TURNS });
  const before = usedBytes();
  for (let at = 0; at < TURNS; at += 1) held[at] = await make(at);
  const bytes = (usedBytes() - before) / held.length;
  return { first, bytes };
}

it("a turn that was stored here is held in little room besides its text", async () => {
  const { besidesText, counted, bytes } = await weigh(storedTurn);
  // 1,086; a Buffer for each message makes it 1,477 and memory that no heap shows, fingerprints in their hashes 112 more.
  expect(besidesText).toBeLessThan(1_150);
  expect(counted).toBeGreaterThan(bytes);
});

it("a turn that was read from the store weighs what is counted for it", async () => {
  const { counted, bytes } = await weigh(readTurn);
  expect(counted).toBeGreaterThan(bytes * 0.9);
  expect(counted).toBeLessThan(bytes * 1.5);
});

it("a session's sealer is held in little room besides its keys", async () => {
  const options = { dataKey: createSecretKey(randomBytes(32)), writeNonce: createNonceSource(), maxRecordBytes: 1_000 };
  const { bytes } = await weighAll((at) =>
    createSessionSealer({ ...options, identity: { owner: chainOf(0), key: chainOf(at), incarnation: "1" } }),
  );
  // 492; with functions of its own and a scope in pieces it is 1,067.
  expect(bytes).toBeLessThan(600);
});
