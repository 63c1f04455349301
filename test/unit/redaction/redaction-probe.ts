import { createHmac } from "node:crypto";

import type { ChatMessage } from "../../../src/protocol/chat-message.ts";
import { createRedactor } from "../../../src/redaction/create-redactor.ts";
import { placeholderNamer } from "../../../src/redaction/placeholder-namer.ts";
import type { BuiltInEntity, PlaceholderNamer, Redaction } from "../../../src/redaction/redactor.ts";
import type { KeyedHash } from "../../../src/sealing/keyed-hash.ts";

export const ALL_ENTITIES: readonly BuiltInEntity[] = ["EMAIL", "PHONE", "SSN", "CARD", "IBAN", "IP", "SECRET"];

export const keyedHash: KeyedHash = {
  hash: (purpose, ...parts) =>
    createHmac("sha256", "test")
      .update(JSON.stringify([purpose, parts]))
      .digest("base64url"),
};

export const name: PlaceholderNamer = placeholderNamer(keyedHash, "session-1");

export const redactor = createRedactor({ entities: ALL_ENTITIES, maxCharacters: 10_000_000 });

export async function redactMessage(message: ChatMessage): Promise<Redaction> {
  const [redaction] = await redactor.redact([message], name);
  if (redaction === undefined) throw new TypeError("one message in, one redaction out");
  return redaction;
}

/** The text as it would be stored. */
export async function redacted(text: string): Promise<string> {
  const { message } = await redactMessage({ role: "user", content: text });
  return String(message.content);
}

/** The text with every placeholder cut down to its type: `call [PHONE]`. */
export async function shape(text: string): Promise<string> {
  return (await redacted(text)).replaceAll(/\[([A-Z]+)_[0-9a-f]{8}\]/g, "[$1]");
}
