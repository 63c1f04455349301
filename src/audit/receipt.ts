import { type AuditSigner, createSignatureCheck } from "./audit-signer.ts";

/** What an operator can show later: what was done, signed with the key that signs the audit log. */
export interface SignedReceipt {
  readonly receipt: ReceiptFields;
  readonly publicKey: string;
  readonly signature: string;
}

export interface ReceiptFields {
  readonly [name: string]: ReceiptValue;
}
type ReceiptValue = string | number | boolean | null | readonly ReceiptValue[] | ReceiptFields;

export const signReceipt = (signer: AuditSigner, receipt: ReceiptFields): SignedReceipt => ({
  receipt,
  publicKey: signer.publicKey,
  signature: signer.sign(receiptText(receipt)),
});

/**
 * Whether the key signed exactly these fields, in whatever order they stand. The key comes from elsewhere, never from
 * the receipt itself. @throws TypeError for what is not a receipt or not a public key
 */
export function verifyReceipt(publicKey: string, signed: unknown): signed is SignedReceipt {
  const { receipt, signature } = (signed ?? {}) as Partial<SignedReceipt>;
  if (typeof receipt !== "object" || receipt === null || typeof signature !== "string")
    throw new TypeError("this is not a signed receipt");
  return createSignatureCheck(publicKey)(receiptText(receipt), signature);
}

const receiptText = (receipt: ReceiptFields): Buffer =>
  Buffer.from(`stategate/receipt/1 ${JSON.stringify(receipt, sortKeys)}`);

/** Names in one order, at every depth: a tool that rewrites the file must not break it. */
const sortKeys = (_name: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
    : value;
