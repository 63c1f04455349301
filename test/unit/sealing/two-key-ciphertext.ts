import { createCipheriv } from "node:crypto";

export interface GcmContext {
  readonly key: Buffer;
  readonly additionalData: Buffer;
}

/**
 * A "salamander": one ciphertext block and tag that AES-256-GCM accepts in both contexts. The tag is affine in the
 * block, so the block for which both tags are equal is the solution of one equation over GF(2^128).
 */
export function forgeTwoKeyCiphertext(
  nonce: Buffer,
  one: GcmContext,
  other: GcmContext,
): { block: Buffer; tag: Buffer } {
  const difference = tagOf(nonce, one, 0n) ^ tagOf(nonce, other, 0n);
  const [first, second] = [square(hashKey(one.key)), square(hashKey(other.key))];
  const block = multiply(difference, invert(first ^ second));
  return { block: toBytes(block), tag: toBytes(tagOf(nonce, one, block)) };
}

/** NIST SP 800-38D §7.1 for a ciphertext of one block. */
function tagOf(nonce: Buffer, { key, additionalData }: GcmContext, block: bigint): bigint {
  const blocks = [];
  for (let start = 0; start < additionalData.length; start += 16) {
    const padded = Buffer.alloc(16);
    additionalData.copy(padded, 0, start);
    blocks.push(toNumber(padded));
  }
  const lengths = (BigInt(additionalData.length * 8) << 64n) | 128n;
  const hash = hashKey(key);
  const folded = [...blocks, block, lengths].reduce((sum, next) => multiply(sum ^ next, hash), 0n);
  return folded ^ encryptBlock(key, Buffer.concat([nonce, Buffer.from([0, 0, 0, 1])]));
}

const hashKey = (key: Buffer): bigint => encryptBlock(key, Buffer.alloc(16));

function encryptBlock(key: Buffer, block: Buffer): bigint {
  return toNumber(createCipheriv("aes-256-ecb", key, null).setAutoPadding(false).update(block));
}

const REDUCTION = 0xe1n << 120n;

function multiply(left: bigint, right: bigint): bigint {
  let product = 0n;
  let shifted = right;
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    if ((left >> bit) & 1n) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ REDUCTION : shifted >> 1n;
  }
  return product;
}

const square = (value: bigint): bigint => multiply(value, value);

/** value^(2^128 - 2): the product of value^2, value^4, … value^(2^127). */
function invert(value: bigint): bigint {
  let power = square(value);
  let inverse = power;
  for (let exponent = 2; exponent < 128; exponent += 1) {
    power = square(power);
    inverse = multiply(inverse, power);
  }
  return inverse;
}

const toNumber = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);
const toBytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(32, "0"), "hex");
