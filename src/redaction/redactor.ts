import type { Awaitable } from "../kit/awaitable.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";

export type BuiltInEntity = "EMAIL" | "PHONE" | "SSN" | "CARD" | "IBAN" | "IP" | "SECRET";

/** A built-in one, or the name of a configured pattern. */
export type EntityType = string;

/**
 * Names the placeholder of a value within one session: the same value gets the same name on every turn and replica. It is
 * called once for each place in which a placeholder is put, with the value as its reader would see it: what stands inside
 * JSON text comes without the escapes of that text. Whoever must give values back wraps the namer and notes both.
 */
export type PlaceholderNamer = (type: EntityType, value: string) => string;

export interface ValueRedaction<Value> {
  /** The same object when nothing was found. */
  readonly value: Value;
  readonly counts: Readonly<Partial<Record<EntityType, number>>>;
}

export interface Redaction {
  /** The same object when nothing was found: the caller keeps its bytes. */
  readonly message: ChatMessage;
  /** Findings by type, for the metric; empty when nothing was found. */
  readonly counts: Readonly<Partial<Record<EntityType, number>>>;
}

/** Finds personal data and secrets in every string position of a message and replaces it by placeholders. */
export interface Redactor {
  /**
   * At once, or a promise where the work takes longer than a slice of 5 ms: it is cut into such slices of at most 10 ms.
   * Rejects with GatewayError `redaction_failed` when a detector fails or the per-turn bound is exceeded: then nothing may
   * be stored.
   */
  redact(messages: readonly ChatMessage[], name: PlaceholderNamer): Awaitable<Redaction[]>;
  /**
   * The same for JSON values that are no messages, such as `tools`, `metadata` and `user` of a request: every string, key
   * and number in which something may be found. What stands under `name` stays a legal name, for tools are called by it.
   */
  redactValues<Value>(values: readonly Value[], name: PlaceholderNamer): Awaitable<ValueRedaction<Value>[]>;
  /** How many placeholders a text holds, those of configured patterns included. */
  countPlaceholders(text: string): number;
}

/** One finding in a text: `start` inclusive, `end` exclusive, in UTF-16 units of the text given. */
export interface Finding {
  readonly type: EntityType;
  readonly start: number;
  readonly end: number;
}
