/** Published vectors against this build of OpenSSL, called as our code calls it, and against our own key wrapping. */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync } from "node:crypto";

import { afterAll, describe, expect, it } from "vitest";

import { createLocalKeyring } from "../../../src/sealing/local-keyring.ts";
import { readVectors, runVectors, type Vector } from "../../support/wycheproof.ts";
import { refused } from "./sealing-fixtures.ts";

const TAG = { authTagLength: 16 };
const KWP_INITIAL_VALUE = Buffer.from("a65959a6", "hex");

const opensGcm = (vector: Vector): boolean => {
  const cipher = `aes-${vector.keySize}-gcm` as "aes-256-gcm";
  const [key, iv] = [vector.bytes("key"), vector.bytes("iv")];
  const decipher = createDecipheriv(cipher, key, iv, TAG).setAAD(vector.bytes("aad")).setAuthTag(vector.bytes("tag"));
  return Buffer.concat([decipher.update(vector.bytes("ct")), decipher.final()]).equals(vector.bytes("msg"));
};
const sealsGcm = (vector: Vector): boolean => {
  const cipher = createCipheriv(
    `aes-${vector.keySize}-gcm` as "aes-256-gcm",
    vector.bytes("key"),
    vector.bytes("iv"),
    TAG,
  );
  const body = Buffer.concat([
    cipher.setAAD(vector.bytes("aad")).update(vector.bytes("msg")),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return body.equals(Buffer.concat([vector.bytes("ct"), vector.bytes("tag")]));
};
const unwraps = (vector: Vector): boolean => {
  const decipher = createDecipheriv(`id-aes${vector.keySize}-wrap-pad`, vector.bytes("key"), KWP_INITIAL_VALUE);
  return Buffer.concat([decipher.update(vector.bytes("ct")), decipher.final()]).equals(vector.bytes("msg"));
};
const wraps = (vector: Vector): boolean => {
  const cipher = createCipheriv(`id-aes${vector.keySize}-wrap-pad`, vector.bytes("key"), KWP_INITIAL_VALUE);
  return Buffer.concat([cipher.update(vector.bytes("msg")), cipher.final()]).equals(vector.bytes("ct"));
};
const derives =
  (digest: string) =>
  (vector: Vector): boolean => {
    const [secret, salt, info] = [vector.bytes("ikm"), vector.bytes("salt"), vector.bytes("info")];
    return Buffer.from(hkdfSync(digest, secret, salt, info, vector.size ?? 0)).equals(vector.bytes("okm"));
  };
const authenticates = (vector: Vector): boolean => {
  const tag = createHmac("sha256", vector.bytes("key")).update(vector.bytes("msg")).digest();
  return tag.subarray(0, (vector.tagSize ?? 0) / 8).equals(vector.bytes("tag"));
};

const totals = { run: 0, odd: 0 };
afterAll(() => {
  const { run, odd } = totals;
  process.stdout.write(`Wycheproof: ${run} run, ${run - odd} as published, ${odd} declared exceptions\n`);
});

describe("Wycheproof's vectors behave as published:", () => {
  it.each([
    ["AES-GCM", "aes_gcm", 316, opensGcm, 3],
    ["AES-KWP", "aes_kwp", 254, unwraps, 0],
    ["HKDF-SHA-256", "hkdf_sha256", 86, derives("sha256"), 0],
    ["HKDF-SHA-512", "hkdf_sha512", 83, derives("sha512"), 0],
    ["HMAC-SHA-256", "hmac_sha256", 174, authenticates, 0],
  ] as const)("%s", (name, file, published, isAccepted, exceptions) => {
    const vectors = readVectors(file);
    expect(vectors).toHaveLength(published);
    const { run, odd } = runVectors(vectors, isAccepted);
    process.stdout.write(`${name}: ${run} run, ${run - odd.length} as published, ${odd.length} declared exceptions\n`);
    totals.run += run;
    totals.odd += odd.length;
    // OpenSSL takes no nonce of 2,056 bits. Ours have 96, as SP 800-38D recommends.
    const declared = vectors.filter(({ ivSize, result }) => ivSize === 2_056 && result === "valid");
    expect(odd).toEqual(file === "aes_gcm" ? declared.map(({ tcId }) => tcId) : []);
    expect(odd).toHaveLength(exceptions);
  });

  it("every valid one is also what we would have written", () => {
    const written = (file: string, isWritten: (vector: Vector) => boolean): number[] =>
      runVectors(
        readVectors(file).filter(({ result, ivSize }) => result === "valid" && ivSize !== 2_056),
        isWritten,
      ).odd.slice();
    expect(written("aes_gcm", sealsGcm)).toEqual([]);
    expect(written("aes_kwp", wraps)).toEqual([]);
  });

  it("our keyring refuses every wrapped key of 256 bits, the valid ones because they were wrapped for no name", async () => {
    const vectors = readVectors("aes_kwp").filter(({ keySize }) => keySize === 256);
    for (const vector of vectors) {
      const keyring = createLocalKeyring([{ id: "w", key: createSecretKey(vector.bytes("key")) }]);
      await refused(keyring.unwrap("root-secret", Buffer.concat([Buffer.from("\u0001\u0001w"), vector.bytes("ct")])));
    }
    process.stdout.write(`AES-KWP through our keyring: ${vectors.length} run, 0 opened\n`);
    expect(vectors.length).toBeGreaterThan(80);
  });
});

describe("the check itself", () => {
  it("sees a valid vector that is refused and an invalid one that is accepted", () => {
    const vectors = readVectors("aes_kwp");
    expect(runVectors(vectors, () => true).odd).toHaveLength(177);
    expect(runVectors(vectors, () => false).odd).toHaveLength(77);
  });
});
