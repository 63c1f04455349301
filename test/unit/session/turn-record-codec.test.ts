import { isDeepStrictEqual } from "node:util";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { decodeTurnRecord, encodeTurnRecord } from "../../../src/session/turn-record-codec.ts";
import type { StoredMessage, TurnRecord } from "../../../src/session/turn-record.ts";

const anyText = fc.string({ unit: "binary", maxLength: 20 });
const print = fc.string({ minLength: 22, maxLength: 22, unit: fc.constantFrom("a", "B", "-", "_", "7") });

const storedMessage: fc.Arbitrary<StoredMessage> = fc.record({
  role: anyText,
  bytes: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  tokens: fc.nat(),
  toolCallIds: fc.array(anyText, { maxLength: 3 }),
  toolCallId: fc.option(anyText, { nil: undefined }),
  redactions: fc.nat(5),
  seen: print,
  stored: print,
});

const usage = fc.record({
  promptTokens: fc.nat(),
  completionTokens: fc.nat(),
  textTokens: fc.nat(),
  cachedTokens: fc.nat(),
  cacheWriteTokens: fc.nat(),
});

const turnRecord: fc.Arbitrary<TurnRecord> = fc.record({
  id: fc.string({ unit: fc.constantFrom("0", "a", "f"), minLength: 32, maxLength: 32 }),
  sequence: fc.nat(),
  at: fc.nat(),
  status: fc.constantFrom("complete" as const, "incomplete" as const),
  model: anyText,
  rewindTo: fc.option(fc.constantFrom("", "0123456789abcdef0123456789abcdef"), { nil: undefined }),
  previousChoice: fc.nat(128),
  messages: fc.array(storedMessage, { maxLength: 4 }),
  answers: fc.array(storedMessage, { maxLength: 3 }),
  finishReasons: fc.array(fc.option(anyText), { maxLength: 3 }),
  usage: fc.option(usage, { nil: undefined }),
  requestHash: anyText,
  idempotencyHash: fc.option(anyText, { nil: undefined }),
});

const decode = (plaintext: Buffer): TurnRecord => decodeTurnRecord(plaintext, { id: "a".repeat(32), sequence: 3 });

function frame(meta: unknown, body = ""): Buffer {
  const json = Buffer.from(JSON.stringify(meta));
  const header = Buffer.from([1, 0, 0, 0, 0]);
  header.writeUInt32BE(json.length, 1);
  return Buffer.concat([header, json, Buffer.from(body)]);
}

function outcomeOf(plaintext: Buffer): unknown {
  try {
    const read = decode(plaintext);
    return isDeepStrictEqual(decodeTurnRecord(encodeTurnRecord(read), read), read) ? "a record" : "another record";
  } catch (error) {
    return error instanceof GatewayError ? error.code : error;
  }
}

const plainMeta = {
  at: 1,
  status: "complete",
  model: "gpt-5",
  previousChoice: 0,
  messages: [{ role: "user", length: 2, tokens: 1, seen: "s" }],
  answers: [],
  finishReasons: [],
  requestHash: "",
};

describe("turn records", () => {
  it("come back as they were written", () => {
    fc.assert(
      fc.property(turnRecord, (record) => {
        expect(decodeTurnRecord(encodeTurnRecord(record), record)).toEqual(record);
      }),
      { numRuns: 1_000 },
    );
  });

  it("are read without copying a message", () => {
    const plaintext = frame(plainMeta, "hi");
    const [message] = decode(plaintext).messages;
    expect(message?.bytes.toString()).toBe("hi");
    plaintext.write("yo", plaintext.length - 2);
    expect(message?.bytes.toString()).toBe("yo");
  });

  it("take a frame of this version and nothing else", () => {
    const plaintext = frame(plainMeta, "hi");
    expect(decode(plaintext)).toMatchObject({ sequence: 3, model: "gpt-5", rewindTo: undefined });
    plaintext.writeUInt8(2, 0);
    expect(() => decode(plaintext)).toThrow(expect.objectContaining({ code: "record_unreadable" }));
  });

  it.each([
    ["bytes that belong to no message", frame(plainMeta, "hi!")],
    ["messages that end behind the record", frame(plainMeta, "h")],
    ["a negative length", frame({ ...plainMeta, messages: [{ ...plainMeta.messages[0], length: -1 }] }, "hi")],
    [
      "a length that is no whole number",
      frame({ ...plainMeta, messages: [{ ...plainMeta.messages[0], length: 0.5 }] }, "hi"),
    ],
    ["a status of another release", frame({ ...plainMeta, status: "parked" }, "hi")],
    ["a missing member", frame({ ...plainMeta, messages: undefined }, "")],
    ["a member of another type", frame({ ...plainMeta, requestHash: 7 }, "hi")],
    ["a list in the place of the meta", frame([], "")],
    ["nothing at all", Buffer.alloc(0)],
    ["a header alone", Buffer.from([1, 0, 0])],
  ])("are unreadable with %s", (_, plaintext) => {
    expect(() => decode(plaintext)).toThrow(expect.objectContaining({ code: "record_unreadable" }));
  });

  it("are refused as unreadable, or read as a record, whatever happened to their bytes", () => {
    const mutation = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean(), length: fc.nat(3) });
    fc.assert(
      fc.property(turnRecord, fc.array(mutation, { minLength: 1, maxLength: 4 }), (record, mutations) => {
        let plaintext = encodeTurnRecord(record);
        for (const { at, byte, cut, length } of mutations) {
          const place = at % (plaintext.length + 1);
          const rest = plaintext.subarray(place + (cut ? length : 1));
          plaintext = Buffer.concat([plaintext.subarray(0, place), cut ? Buffer.alloc(0) : Buffer.from([byte]), rest]);
        }
        expect(["a record", "record_unreadable"]).toContain(outcomeOf(plaintext));
      }),
      { numRuns: 3_000 },
    );
  });
});
