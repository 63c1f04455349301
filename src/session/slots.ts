import type { HistoryMessage, Summary } from "../history/history-strategy.ts";
import { nothingWithheld, type Withheld } from "./withheld.ts";

/** Slots are the small records of a session that are replaced whole. */
export const SYSTEM_SLOT = "system";
export const SUMMARY_SLOT = "summary";
export const WITHHELD_SLOT = "withheld";

interface SystemMessageRow {
  readonly role: string;
  readonly json: string;
  readonly tokens: number;
  readonly redactions: number;
}

/** The last system messages a client sent, redacted: a delta client that sends none gets them again. */
export function encodeSystem(messages: readonly HistoryMessage[]): Buffer {
  const rows = messages.map(({ role, bytes, tokens, redactions }): SystemMessageRow => ({
    role,
    json: bytes.toString("utf8"),
    tokens,
    redactions,
  }));
  return Buffer.from(JSON.stringify(rows));
}

export function decodeSystem(plaintext: Buffer | undefined): HistoryMessage[] {
  if (!plaintext) return [];
  const rows = JSON.parse(plaintext.toString("utf8")) as SystemMessageRow[];
  return rows.map(({ role, json, tokens, redactions }) => ({
    role,
    bytes: Buffer.from(json),
    tokens,
    redactions,
    toolCallIds: [],
    toolCallId: undefined,
  }));
}

export const encodeSummaries = (summaries: readonly Summary[]): Buffer => Buffer.from(JSON.stringify(summaries));

export const decodeSummaries = (plaintext: Buffer | undefined): Summary[] =>
  plaintext ? (JSON.parse(plaintext.toString("utf8")) as Summary[]) : [];

/** The only place where a value that redaction took out is kept: under the session's key, and gone with the session. */
export const encodeWithheld = (withheld: Withheld): Buffer => Buffer.from(JSON.stringify([...withheld]));

export const decodeWithheld = (plaintext: Buffer | undefined): Withheld =>
  plaintext ? new Map(JSON.parse(plaintext.toString("utf8")) as [string, string][]) : nothingWithheld;
