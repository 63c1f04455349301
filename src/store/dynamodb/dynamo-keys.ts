import { hash } from "node:crypto";

/** DynamoDB takes 2,048 bytes of a partition key and 1,024 of a sort key; ours are padded with words and numbers. */
const MAX_NAME_BYTES = 900;
/** As many as the largest whole number has. */
const DIGITS = 16;

/** Names that are long or not plain ASCII stand as their hash, so that a partition can be read in a console. */
export function partition(kind: string, name: string): string {
  if (/^[!-~]*$/.test(name) && name.length <= MAX_NAME_BYTES) return `${kind}#${name}`;
  return `${kind}~${hash("sha256", name, "hex")}`;
}

/** Sort keys are bytes, because DynamoDB orders these as everybody else does. */
export const sortKey = (text: string): Buffer => Buffer.from(text);

/** Sorts as the number does. */
export const padded = (number: number, digits = DIGITS): string => String(number).padStart(digits, "0");

/** The bytes of a name, in their order; a long one is cut and its hash put behind, in some order of its own. */
export function boundedName(name: string): Buffer {
  const bytes = Buffer.from(name);
  if (bytes.length <= MAX_NAME_BYTES) return bytes;
  return Buffer.concat([bytes.subarray(0, MAX_NAME_BYTES), Buffer.from(hash("sha256", name, "hex"))]);
}
