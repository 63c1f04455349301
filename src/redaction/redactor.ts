import type { ChatMessage } from "../protocol/chat-message.ts";

export type EntityType = "EMAIL" | "PHONE" | "SSN" | "CARD" | "IBAN" | "IP" | "SECRET";

/** Names the placeholder of a value within one session: the same value gets the same name on every turn and replica. */
export type PlaceholderNamer = (type: EntityType, value: string) => string;

export interface Redaction {
  /** The same object when nothing was found: the caller keeps its bytes. */
  readonly message: ChatMessage;
  /** Findings by type, for the metric; empty when nothing was found. */
  readonly counts: Readonly<Partial<Record<EntityType, number>>>;
}

/** Finds personal data and secrets in every string position of a message and replaces it by placeholders. */
export interface Redactor {
  /**
   * Work is cut into slices of at most 10 ms.
   * @throws GatewayError `redaction_failed` when a detector fails or the per-turn bound is exceeded: then nothing may be stored
   */
  redact(messages: readonly ChatMessage[], name: PlaceholderNamer): Promise<Redaction[]>;
}

/** One finding in a text: `start` inclusive, `end` exclusive, in UTF-16 units of the text given. */
export interface Finding {
  readonly type: EntityType;
  readonly start: number;
  readonly end: number;
}
