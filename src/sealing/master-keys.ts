import { createSecretKey, type KeyObject } from "node:crypto";

export const MASTER_KEY_BYTES = 32;

export interface MasterKey {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`; stored in clear beside everything the key wraps. */
  readonly id: string;
  readonly key: KeyObject;
}

const KEY_ID = /^[A-Za-z0-9._-]{1,64}$/;
export const isKeyId = (id: string): boolean => KEY_ID.test(id);

export const ID_RULE = "the id must be 1 to 64 letters, digits, dots, dashes or underscores";
export const LENGTH_RULE = "the key must have 32 bytes";

/**
 * Reads `id:base64,id:base64`. Mistakes are named by position: what looks like an id may be a key in the wrong place.
 * @throws TypeError for anything but distinct ids with 32 bytes each
 */
export function parseMasterKeys(text: string): MasterKey[] {
  const seen = new Set<string>();
  return text.split(",").map((entry, index) => {
    const refuse = (why: string): TypeError => new TypeError(`master key ${index + 1}: ${why}`);
    const [id = "", encoded, ...rest] = entry.trim().split(":");
    if (encoded === undefined || rest.length > 0) throw refuse("write it as id:base64");
    if (!isKeyId(id)) throw refuse(ID_RULE);
    if (seen.has(id)) throw refuse("an earlier key has the same id");
    const bytes = decodeBase64(encoded);
    if (!bytes) throw refuse("the part after the colon is not base64");
    if (bytes.length !== MASTER_KEY_BYTES) throw refuse(`${LENGTH_RULE}, it has ${bytes.length} bytes`);
    seen.add(id);
    return { id, key: createSecretKey(bytes) };
  });
}

/** `Buffer.from` skips what is not base64; a master key with a typing mistake must not become another key. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  const spellings = [bytes.toString("base64"), bytes.toString("base64url")];
  return spellings.some((spelling) => withoutPadding(spelling) === withoutPadding(text)) ? bytes : undefined;
}

const withoutPadding = (base64: string): string => base64.replace(/={1,2}$/, "");
