import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createNonceSource } from "../../../src/sealing/nonce-source.ts";
import { createSessionSealer } from "../../../src/sealing/sealed-record.ts";
import type { RecordKind, SessionIdentity } from "../../../src/sealing/sealer.ts";
import { flipBit, hkdfBlock, identity, randomKey, unreadable } from "./sealing-fixtures.ts";
import { forgeTwoKeyCiphertext } from "./two-key-ciphertext.ts";

const OVERHEAD = 64;
const dataKey = randomKey();
const writeNonce = createNonceSource();
const sealerFor = (changes: Partial<SessionIdentity> = {}, key: KeyObject = dataKey) =>
  createSessionSealer({ dataKey: key, identity: { ...identity, ...changes }, writeNonce, maxRecordBytes: 2 ** 20 });
const sealer = sealerFor();

describe("a sealed record", () => {
  it("opens to what was sealed, of any length, for every kind and id", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<RecordKind>("head", "turn", "slot"),
        fc.string({ unit: "binary" }),
        fc.uint8Array({ maxLength: 300 }),
        (kind, id, bytes) => {
          const plaintext = Buffer.from(bytes);
          const sealed = sealer.seal(kind, id, plaintext);
          expect(sealed.length).toBe(plaintext.length + OVERHEAD);
          expect(sealer.open(kind, id, sealed)).toEqual(plaintext);
        },
      ),
    );
    const long = randomBytes(500_000);
    expect(sealer.open("turn", "a", sealer.seal("turn", "a", long))).toEqual(long);
  });

  it("is refused by a key that has sealed as many as it safely can, which still opens them", () => {
    const worn = createSessionSealer({ dataKey, identity, writeNonce, maxRecordBytes: 2 ** 20, maxRecords: 3 });
    const sealed = [1, 2, 3].map((id) => worn.seal("turn", `${id}`, Buffer.of(id)));
    expect(unreadable(() => worn.seal("turn", "4", Buffer.of(4)))).toContain("as many records as it safely can");
    expect(sealed.map((bytes, index) => worn.open("turn", `${index + 1}`, bytes)[0])).toEqual([1, 2, 3]);
  });

  it("shows nothing of the plaintext and is never the same twice", () => {
    const plaintext = Buffer.from("my address is ada@example.com ".repeat(50));
    const records = Array.from({ length: 100 }, () => sealer.seal("turn", "a", plaintext));
    expect(new Set(records.map((sealed) => sealed.toString("hex", 4, 16))).size).toBe(100);
    expect(new Set(records.map((sealed) => sealed.toString("hex", 48))).size).toBe(100);
    for (const sealed of records) expect(sealed.includes("ada@")).toBe(false);
  });

  it.each([0, 1, 16, 47, 700])("of %i bytes fails with any single bit flipped", (length) => {
    const sealed = sealer.seal("turn", "a", randomBytes(length));
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      unreadable(() => sealer.open("turn", "a", flipBit(sealed, bit)));
    }
  });

  it("fails cut off anywhere, also where only the tag is shorter", () => {
    const sealed = sealer.seal("turn", "a", randomBytes(100));
    for (let length = 0; length < sealed.length; length += 1) {
      unreadable(() => sealer.open("turn", "a", sealed.subarray(0, length)));
    }
    // Tags of 4, 8 and 12 bytes: the first bytes of the true tag, which GCM would accept as a tag of that length.
    const empty = sealer.seal("turn", "a", Buffer.alloc(0));
    for (const tagBytes of [4, 8, 12]) {
      unreadable(() => sealer.open("turn", "a", empty.subarray(0, 48 + tagBytes)));
      const padded = Buffer.concat([empty.subarray(0, 48 + tagBytes), Buffer.alloc(16 - tagBytes)]);
      unreadable(() => sealer.open("turn", "a", padded));
    }
  });

  it("fails with anything added", () => {
    const sealed = sealer.seal("turn", "a", randomBytes(100));
    for (const extra of [1, 12, 16, 64]) {
      unreadable(() => sealer.open("turn", "a", Buffer.concat([sealed, Buffer.alloc(extra)])));
    }
  });

  it("fails under another kind or id", () => {
    const sealed = sealer.seal("turn", "a", Buffer.from("hello"));
    expect(unreadable(() => sealer.open("slot", "a", sealed))).toContain("belongs elsewhere");
    expect(unreadable(() => sealer.open("head", "a", sealed))).toContain("belongs elsewhere");
    expect(unreadable(() => sealer.open("turn", "b", sealed))).toContain("belongs elsewhere");
    expect(unreadable(() => sealer.open("turn", "", sealed))).toContain("belongs elsewhere");
  });

  it.each([
    ["owner", sealerFor({ owner: "someone-else" })],
    ["session", sealerFor({ key: "another-session" })],
    ["incarnation", sealerFor({ incarnation: "f".repeat(32) })],
    ["data key", sealerFor({}, randomKey())],
    ["boundary between owner and session", sealerFor({ owner: "owner-hashsession", key: "-hash" })],
  ])("fails under another %s, before any decryption", (_name, foreign) => {
    const sealed = sealer.seal("turn", "a", Buffer.from("hello"));
    expect(unreadable(() => foreign.open("turn", "a", sealed))).toContain("another key");
  });

  it("is refused in clear", () => {
    const clear = Buffer.from(JSON.stringify({ role: "user", content: "hello ".repeat(40) }));
    unreadable(() => sealer.open("turn", "a", clear));
    unreadable(() => sealer.open("turn", "a", Buffer.alloc(200)));
    unreadable(() => sealer.open("turn", "a", Buffer.alloc(0)));
  });

  it("is bounded in length: longer ones are neither made nor opened", () => {
    const [short, roomy] = [100, 101].map((maxRecordBytes) =>
      createSessionSealer({ dataKey, identity, writeNonce, maxRecordBytes }),
    );
    const plaintext = Buffer.alloc(101 - OVERHEAD);
    const sealed = roomy!.seal("turn", "a", plaintext);
    expect(roomy!.open("turn", "a", sealed)).toEqual(plaintext);
    expect(unreadable(() => short!.open("turn", "a", sealed))).toContain("too long");
    expect(() => short!.seal("turn", "a", plaintext)).toThrow(TypeError);
  });

  it("opens from within a larger buffer, and leaves sealed bytes and plaintext as they were", () => {
    const plaintext = Buffer.from("hello");
    const sealed = sealer.seal("turn", "a", plaintext);
    const around = Buffer.concat([randomBytes(33), sealed, randomBytes(21)]);
    const before = Buffer.from(around);
    expect(sealer.open("turn", "a", around.subarray(33, 33 + sealed.length))).toEqual(plaintext);
    expect(around).toEqual(before);
    expect(plaintext.toString()).toBe("hello");
  });
});

describe("the record format", () => {
  const nonce = Buffer.from("cafebabefacedbaddecaf888", "hex");
  const fixedNonce = (target: Buffer, offset: number): void => void nonce.copy(target, offset);
  const fixed = (data: Buffer) =>
    createSessionSealer({
      dataKey: createSecretKey(data),
      identity,
      writeNonce: fixedNonce,
      maxRecordBytes: 1_000,
    });
  const parts = (...values: string[]): string => values.map((value) => `${value.length}:${value}`).join("");
  const scope = [identity.owner, identity.key, identity.incarnation];
  const derive = (data: Buffer) => {
    const derived = hkdfBlock(data, parts("stategate/session/1", ...scope));
    return { key: derived.subarray(0, 32), commitment: derived.subarray(32) };
  };
  const additionalData = Buffer.from(parts("1.1", ...scope, "turn", "a"));

  it("is the documented one, put together here by other means", () => {
    const data = randomBytes(32);
    const { key, commitment } = derive(data);
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(additionalData);
    const ciphertext = Buffer.concat([cipher.update("hello"), cipher.final()]);
    const expected = [Buffer.from("SG\x01\x01"), nonce, commitment, ciphertext, cipher.getAuthTag()];
    expect(fixed(data).seal("turn", "a", Buffer.from("hello"))).toEqual(Buffer.concat(expected));
  });

  it("never changes: stored records depend on it", () => {
    const sealed = fixed(Buffer.alloc(32, 7)).seal("turn", "a", Buffer.from("hello"));
    expect(sealed.toString("hex")).toBe(
      "53470101cafebabefacedbaddecaf88858ce818a224ecaedf0990e6a30246200e5d0445979288f20603232f1709f2bd8ac2ad78fcb00d71fe1afa299a76c54d70e4675e354",
    );
  });

  it("commits to its key: a ciphertext made to open under two keys opens under the one it names", () => {
    const [left, right] = [randomBytes(32), randomBytes(32)];
    const [leftKeys, rightKeys] = [derive(left), derive(right)];
    const { block, tag } = forgeTwoKeyCiphertext(
      nonce,
      { key: leftKeys.key, additionalData },
      { key: rightKeys.key, additionalData },
    );
    const recordNaming = (commitment: Buffer) =>
      Buffer.concat([Buffer.from("SG\x01\x01"), nonce, commitment, block, tag]);

    for (const { key } of [leftKeys, rightKeys]) {
      const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAAD(additionalData).setAuthTag(tag);
      decipher.update(block);
      expect(() => decipher.final(), "GCM alone accepts it").not.toThrow();
    }
    expect(fixed(left).open("turn", "a", recordNaming(leftKeys.commitment))).toHaveLength(16);
    expect(unreadable(() => fixed(right).open("turn", "a", recordNaming(leftKeys.commitment)))).toContain(
      "another key",
    );
    expect(fixed(right).open("turn", "a", recordNaming(rightKeys.commitment))).toHaveLength(16);
    expect(unreadable(() => fixed(left).open("turn", "a", recordNaming(rightKeys.commitment)))).toContain(
      "another key",
    );
  });
});

describe("AES-256-GCM in this build of OpenSSL", () => {
  // McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: test cases 13, 14 and 16.
  it.each([
    ["00".repeat(32), "00".repeat(12), "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"],
    [
      "00".repeat(32),
      "00".repeat(12),
      "",
      "00".repeat(16),
      "cea7403d4d606b6e074ec5d3baf39d18",
      "d0d1c8a799996bf0265b98b5d48ab919",
    ],
    [
      "feffe9928665731c6d6a8f9467308308".repeat(2),
      "cafebabefacedbaddecaf888",
      "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
      "76fc6ece0f4e1768cddf8853bb2d551b",
    ],
  ])("reproduces the published vector of key %s", (key, nonce, additionalData, plaintext, ciphertext, tag) => {
    const secret = createSecretKey(key, "hex");
    const cipher = createCipheriv("aes-256-gcm", secret, Buffer.from(nonce, "hex"), { authTagLength: 16 });
    cipher.setAAD(Buffer.from(additionalData, "hex"));
    expect(cipher.update(plaintext, "hex", "hex")).toBe(ciphertext);
    expect(cipher.final("hex")).toBe("");
    expect(cipher.getAuthTag().toString("hex")).toBe(tag);
  });
});

describe("nonces", () => {
  it("touch their place only", () => {
    const target = Buffer.alloc(20);
    writeNonce(target, 4);
    expect(target.subarray(0, 4)).toEqual(Buffer.alloc(4));
    expect(target.subarray(4, 16)).not.toEqual(Buffer.alloc(12));
    expect(target.subarray(16)).toEqual(Buffer.alloc(4));
  });
});
