/** Attacks on the sealed bytes themselves, in numbers: nothing altered, moved or opened with another key is accepted. */
import { createHmac, createSecretKey, type KeyObject, randomBytes, randomInt } from "node:crypto";

import { gcm } from "@noble/ciphers/aes.js";
import { describe, expect, it } from "vitest";

import { GatewayError } from "../../src/errors/gateway-error.ts";
import { createNonceSource } from "../../src/sealing/nonce-source.ts";
import { createSessionSealer } from "../../src/sealing/sealed-record.ts";
import type { RecordKind, SessionIdentity, SessionSealer } from "../../src/sealing/sealer.ts";
import { inCiOrProving } from "../support/prove.ts";

const RECORDS = inCiOrProving(500, 10_000);
const FLIPPED_RECORDS = inCiOrProving(5, 50);
const SWAPS = inCiOrProving(1_000, 10_000);
const WRONG_KEYS = inCiOrProving(1_000, 10_000);

const HEADER = Buffer.from("SG\u0001\u0001");
const kinds: readonly RecordKind[] = ["head", "turn", "slot", "record", "audit"];
const writeNonce = createNonceSource();
const any = <T>(items: readonly T[]): T => items[randomInt(items.length)] as T;
const hex = (bytes: number): string => randomBytes(bytes).toString("hex");
const randomIdentity = (): SessionIdentity => ({ owner: hex(16), key: hex(16), incarnation: hex(16) });
const sealerOf = (dataKey: KeyObject, identity: SessionIdentity): SessionSealer =>
  createSessionSealer({ dataKey, identity, writeNonce, maxRecordBytes: 2 ** 20 });

/** The refusal's message, or `undefined` when the bytes were accepted. Anything but a refusal in words is a crash. */
function refusalOf(open: () => unknown): string | undefined {
  try {
    open();
    return undefined;
  } catch (error) {
    if (error instanceof GatewayError && error.code === "record_unreadable") return error.message;
    throw error;
  }
}

describe("the record format, written and read by @noble/ciphers", () => {
  const parts = (...values: string[]): string => values.map((value) => `${value.length}:${value}`).join("");

  /** The documented derivation and layout, from nothing of ours: HKDF by two HMACs, AES-GCM by the other library. */
  function otherSealer(data: Buffer, { owner, key, incarnation }: SessionIdentity) {
    const extracted = createHmac("sha512", Buffer.alloc(64)).update(data).digest();
    const info = parts("stategate/session/1", owner, key, incarnation);
    const derived = createHmac("sha512", extracted).update(info).update(Buffer.of(1)).digest();
    const [sessionKey, commitment] = [derived.subarray(0, 32), derived.subarray(32)];
    const cipher = (nonce: Buffer, kind: string, id: string) =>
      gcm(sessionKey, nonce, Buffer.from(parts("1.1", owner, key, incarnation, kind, id)));
    return {
      seal(kind: string, id: string, plaintext: Buffer): Buffer {
        const nonce = randomBytes(12);
        return Buffer.concat([HEADER, nonce, commitment, cipher(nonce, kind, id).encrypt(plaintext)]);
      },
      open(kind: string, id: string, sealed: Buffer): Buffer {
        expect(sealed.subarray(0, 4)).toEqual(HEADER);
        expect(sealed.subarray(16, 48)).toEqual(commitment);
        return Buffer.from(cipher(sealed.subarray(4, 16), kind, id).decrypt(sealed.subarray(48)));
      },
    };
  }

  it("is the same in both directions, for random records", () => {
    for (let record = 0; record < RECORDS; record += 1) {
      const data = randomBytes(32);
      const identity = randomIdentity();
      const [ours, theirs] = [sealerOf(createSecretKey(data), identity), otherSealer(data, identity)];
      const [kind, id, plaintext] = [any(kinds), hex(randomInt(17)), randomBytes(randomInt(1_500))];
      expect(theirs.open(kind, id, ours.seal(kind, id, plaintext))).toEqual(plaintext);
      expect(ours.open(kind, id, theirs.seal(kind, id, plaintext))).toEqual(plaintext);
    }
    process.stdout.write(`node:crypto against @noble/ciphers: ${RECORDS} records, both ways, 0 differences\n`);
  });
});

describe("a sealed record", () => {
  it("with any one bit flipped is refused", () => {
    const dataKey = createSecretKey(randomBytes(32));
    let [tried, accepted] = [0, 0];
    for (let record = 0; record < FLIPPED_RECORDS; record += 1) {
      const sealer = sealerOf(dataKey, randomIdentity());
      const sealed = sealer.seal("turn", "a", randomBytes(300 + randomInt(300)));
      for (let bit = 0; bit < sealed.length * 8; bit += 1) {
        sealed.writeUInt8(sealed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        if (refusalOf(() => sealer.open("turn", "a", sealed)) === undefined) accepted += 1;
        sealed.writeUInt8(sealed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        tried += 1;
      }
      expect(
        refusalOf(() => sealer.open("turn", "a", sealed)),
        "mended, it opens",
      ).toBeUndefined();
    }
    process.stdout.write(`bit flips: ${tried} tried on ${FLIPPED_RECORDS} records, ${accepted} accepted\n`);
    expect(accepted).toBe(0);
  });

  it("with a tag of 4, 8 or 12 bytes is refused, however the rest of its length is made up", () => {
    const sealer = sealerOf(createSecretKey(randomBytes(32)), randomIdentity());
    let tried = 0;
    for (const length of [0, 1, 15, 16, 200]) {
      const sealed = sealer.seal("turn", "a", randomBytes(length));
      for (const tagBytes of [4, 8, 12]) {
        const short = sealed.subarray(0, sealed.length - 16 + tagBytes);
        for (const filling of [Buffer.alloc(0), Buffer.alloc(16 - tagBytes), randomBytes(16)]) {
          expect(refusalOf(() => sealer.open("turn", "a", Buffer.concat([short, filling])))).toBeDefined();
          tried += 1;
        }
      }
    }
    process.stdout.write(`short tags: ${tried} tried, 0 accepted\n`);
  });

  it("in the place of another row, user, session, life, kind or id is refused", () => {
    const users = ["ada", "bob", "eve"].map((owner) => ({ owner, dataKey: createSecretKey(randomBytes(32)) }));
    const places = users.flatMap(({ owner, dataKey }) =>
      ["s1", "s2"].flatMap((key) =>
        [hex(16), hex(16)].flatMap((incarnation) => {
          const sealer = sealerOf(dataKey, { owner, key, incarnation });
          return (["turn", "slot", "record"] as const).flatMap((kind) =>
            ["1", "2"].map((id) => ({ sealer, kind, id, sealed: sealer.seal(kind, id, randomBytes(randomInt(200))) })),
          );
        }),
      ),
    );
    for (const { sealer, kind, id, sealed } of places) sealer.open(kind, id, sealed);
    let accepted = 0;
    for (let swap = 0; swap < SWAPS; swap += 1) {
      const from = any(places);
      const to = any(places.filter((place) => place !== from));
      if (refusalOf(() => to.sealer.open(to.kind, to.id, from.sealed)) === undefined) accepted += 1;
    }
    process.stdout.write(`swaps: ${SWAPS} tried between ${places.length} places, ${accepted} accepted\n`);
    expect(accepted).toBe(0);
  });

  it("is refused by every wrong key before anything is decrypted", () => {
    const identity = randomIdentity();
    const sealed = sealerOf(createSecretKey(randomBytes(32)), identity).seal("turn", "a", Buffer.from("hello"));
    let earlyRefusals = 0;
    for (let key = 0; key < WRONG_KEYS; key += 1) {
      const stranger = sealerOf(createSecretKey(randomBytes(32)), identity);
      if (refusalOf(() => stranger.open("turn", "a", sealed))?.includes("sealed under another key")) earlyRefusals += 1;
    }
    process.stdout.write(`wrong keys: ${WRONG_KEYS} tried, ${earlyRefusals} refused before AES-GCM\n`);
    expect(earlyRefusals).toBe(WRONG_KEYS);
  });

  it("has a nonce that no other has", () => {
    const count = 1_000_000;
    const nonces = Buffer.alloc(count * 12);
    for (let index = 0; index < count; index += 1) writeNonce(nonces, index * 12);
    const heads = BigUint64Array.from({ length: count }, (_, index) => nonces.readBigUInt64LE(index * 12)).sort();
    // Two of a million random ones share their first eight bytes once in 40 million runs.
    const repeated = heads.filter((head, index) => index > 0 && head === heads[index - 1]).length;
    process.stdout.write(`nonces: ${count} drawn, ${repeated} repeated\n`);
    expect(repeated).toBe(0);
  });
});
