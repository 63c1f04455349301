import { createSecretKey, randomBytes } from "node:crypto";

import { describe, expect, it } from "vitest";

import { createAuditSigner } from "../../../src/audit/audit-signer.ts";
import { signReceipt, verifyReceipt } from "../../../src/audit/receipt.ts";

const signer = createAuditSigner(createSecretKey(randomBytes(32)));
const fields = { done: "erasure", at: 1_700_000_000, counts: { sessions: 2, turns: 31 }, complete: true, note: null };

describe("a receipt", () => {
  it("is good for the fields that were signed, in whatever order a tool wrote them", () => {
    const signed = signReceipt(signer, fields);
    const { done, at, counts, ...rest } = fields;
    const rewritten = { ...rest, counts: { turns: counts.turns, sessions: counts.sessions }, at, done };
    expect(verifyReceipt(signer.publicKey, JSON.parse(JSON.stringify(signed)))).toBe(true);
    expect(verifyReceipt(signer.publicKey, { ...signed, receipt: rewritten })).toBe(true);
  });

  it("is good for nothing else", () => {
    const signed = signReceipt(signer, fields);
    const forged = [
      { ...fields, at: 1 },
      { ...fields, counts: { sessions: 2, turns: 30 } },
      { ...fields, more: "" },
      { done: "erasure" },
    ];
    for (const receipt of forged) expect(verifyReceipt(signer.publicKey, { ...signed, receipt })).toBe(false);
    const other = createAuditSigner(createSecretKey(randomBytes(32)));
    expect(verifyReceipt(other.publicKey, signed), "another store's key").toBe(false);
    expect(verifyReceipt(signer.publicKey, { ...signReceipt(other, fields), publicKey: signer.publicKey })).toBe(false);
    expect(verifyReceipt(signer.publicKey, { ...signed, signature: `${signed.signature}A` })).toBe(false);
  });

  it.each([[undefined], [null], [{}], ["text"], [{ receipt: null, signature: "" }], [{ receipt: {} }]])(
    "is not %j",
    (value) => expect(() => verifyReceipt(signer.publicKey, value)).toThrow(TypeError),
  );

  it("is signed alike by every replica of a store", () => {
    const root = createSecretKey(randomBytes(32));
    expect(signReceipt(createAuditSigner(root), fields)).toEqual(signReceipt(createAuditSigner(root), fields));
  });
});
