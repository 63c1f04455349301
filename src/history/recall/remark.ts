import { contentText } from "../content-text.ts";
import type { HistoryMessage } from "../history-strategy.ts";
import { readWords } from "./read-words.ts";

/** What a person or the model said in one message. */
export interface Remark {
  readonly text: string;
  /** The name the text opens with, as in "Anna: Good morning". */
  readonly name: string | undefined;
}

/** A message beyond this is a document; it is not parsed again to be searched. */
const MAX_BYTES = 1 << 20;
const OPENING_NAME = /^\s*(?:\[[^\]\n]{1,60}\]\s*)?(\p{Lu}[\p{L}\p{M}'’-]{1,30}(?: \p{Lu}[\p{L}\p{M}'’-]{1,30})?):\s/u;

/** "Hey Anna!", "Thanks so much, Anna, …", "…, Anna." */
const ADDRESSED =
  /(?:^\p{L}+(?: \p{Ll}+){0,2}[,!]? (\p{Lu}[\p{L}\p{M}'’-]*)(?=[,!.?])|, (\p{Lu}[\p{L}\p{M}'’-]*)(?=[!.?]))/gmu;

/** Whom a text addresses by name, folded; each once. */
export function addressedNames(text: string): ReadonlySet<string> {
  const said = text.replace(OPENING_NAME, "");
  return new Set([...said.matchAll(ADDRESSED)].flatMap(([, first, last]) => readWords(first ?? last ?? "").spaced));
}

/** `undefined` for what nobody said: tool results, system messages, calls without a word. */
export function readRemark({ role, bytes }: HistoryMessage): Remark | undefined {
  if ((role !== "user" && role !== "assistant") || bytes.length > MAX_BYTES) return undefined;
  const { content } = JSON.parse(bytes.toString("utf8")) as { readonly content?: unknown };
  const text = contentText(content);
  return text.trim() === "" ? undefined : { text, name: OPENING_NAME.exec(text)?.[1] };
}
