import { hash } from "node:crypto";

import { ownText } from "../kit/own-bytes.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import { canonicalMessage } from "./canonical-message.ts";

/** 128 bits in base64url. */
const FINGERPRINT_LENGTH = 22;

/** By which a message is known again when a client sends it back. */
export type Fingerprinter = (message: ChatMessage) => string;

/** Fingerprints are keyed: whoever holds the store but not the root secret cannot guess messages from them. */
export function createFingerprinter(keyedHash: KeyedHash): Fingerprinter {
  return (message) => ownText(keyedHash.hash("fingerprint", canonicalMessage(message)).slice(0, FINGERPRINT_LENGTH));
}

/**
 * Running hash over fingerprints, "" before the first. Not keyed: it lives in sealed records, and what it folds is keyed.
 * Unambiguous because every fingerprint is as long as the next.
 */
export function foldChain(previous: string, fingerprint: string): string {
  return hash("sha256", previous + fingerprint, "base64url");
}
