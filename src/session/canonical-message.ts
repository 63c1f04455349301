import { hash } from "node:crypto";

import type { ChatMessage } from "../protocol/chat-message.ts";
import { canonicalJson, hasTooManyValues } from "./canonical-json.ts";

type Fields = Readonly<Record<string, unknown>>;
type CanonicalPart = readonly [kind: string, value: string];

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const digest = (text: string): string => hash("sha256", text, "base64url");

/**
 * The part of a message by which it is recognised when a client sends it back, as one unambiguous string.
 *
 * SDKs rewrite what they replay: a string becomes a text part and back, several text parts are joined, `null`, "" and
 * absence of content are one, `refusal: null`, `parsed`, `annotations`, `function_call: null` and empty lists come and go,
 * tool arguments are parsed and printed anew, reasoning is dropped. Only what a model would read differently counts.
 */
export function canonicalMessage(message: ChatMessage): string {
  const { role, content } = message;
  return JSON.stringify([
    role === "developer" ? "system" : role,
    typeof content === "string"
      ? textParts(content, role === "assistant")
      : canonicalParts(content, role === "assistant"),
    textOf(message.refusal) || refusalPart(content),
    canonicalCalls(message),
    textOf(message.tool_call_id),
    // Frameworks add names to other roles at will; there they tell nobody apart.
    role === "user" || role === "function" ? textOf(message.name) : "",
    isFields(message["audio"]) ? textOf(message["audio"]["id"]) : "",
  ]);
}

/** Neighbouring text parts are one text, as models read them; edge white space is trimmed from the whole. */
function canonicalParts(content: unknown, fromAssistant: boolean): CanonicalPart[] {
  const canonical: CanonicalPart[] = [];
  let text = "";
  const endText = (): void => {
    canonical.push(...textParts(text, fromAssistant && canonical.length === 0));
    text = "";
  };
  for (const part of partsOf(content)) {
    if (typeof part === "string") {
      text += part;
    } else if (!isLeftOut(part)) {
      endText();
      canonical.push(canonicalPart(part));
    }
  }
  endText();
  return canonical;
}

/** One part or none. Only what an assistant says first may be thinking. */
function textParts(text: string, mayThink: boolean): CanonicalPart[] {
  const trimmed = canonicalText(mayThink ? withoutThinking(text) : text);
  return trimmed === "" ? [] : [["text", trimmed]];
}

function partsOf(content: unknown): (string | Fields)[] {
  if (content === undefined || content === null) return [];
  const parts: readonly unknown[] = Array.isArray(content) ? content : [content];
  return parts.map((part) => {
    if (!isFields(part)) return typeof part === "string" ? part : { type: "", value: part };
    return part["type"] === "text" && typeof part["text"] === "string" ? part["text"] : part;
  });
}

/** Reasoning is not replayed by most clients; a refusal is compared on its own. */
const isLeftOut = ({ type }: Fields): boolean =>
  type === "refusal" || type === "thinking" || type === "redacted_thinking" || textOf(type).startsWith("reasoning");

const refusalPart = (content: unknown): string =>
  typeof content === "string"
    ? ""
    : partsOf(content)
        .map((part) => (typeof part === "string" || part["type"] !== "refusal" ? "" : textOf(part["refusal"])))
        .join("");

const canonicalText = (text: string): string => (text.includes("\r") ? text.replaceAll("\r\n", "\n") : text).trim();

function withoutThinking(text: string): string {
  const opening = text.trimStart();
  if (!opening.startsWith("<think>")) return text;
  const end = opening.indexOf("</think>");
  return end < 0 ? text : opening.slice(end + "</think>".length);
}

/** `detail`, file names and moving cache breakpoints are no part of what an image, sound or file is. */
function canonicalPart(part: Fields): CanonicalPart {
  const kind = textOf(part["type"]);
  const body = part[kind];
  const { url, data, file_id: fileId, file_data: fileData } = isFields(body) ? body : { url: body };
  const payload = [url, data, fileId, fileData].find((value) => typeof value === "string");
  if (typeof payload === "string") return [kind, digest(payload)];
  return [kind, digest(comparable({ ...part, cache_control: undefined }))];
}

/** A value too large to be compared is known by how it is written. */
function comparable(value: unknown, written?: string): string {
  try {
    return canonicalJson(value);
  } catch {
    return written ?? JSON.stringify(value);
  }
}

function canonicalCalls(message: ChatMessage): string[][] {
  const calls: readonly unknown[] = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  const canonical = calls.filter(isFields).map((call) => {
    const custom = call["custom"];
    if (isFields(custom)) return ["custom", textOf(call["id"]), textOf(custom["name"]), textOf(custom["input"])];
    return ["function", textOf(call["id"]), ...canonicalFunction(call["function"])];
  });
  const legacy = message["function_call"];
  return isFields(legacy) ? [...canonical, ["legacy", "", ...canonicalFunction(legacy)]] : canonical;
}

function canonicalFunction(called: unknown): [name: string, input: string] {
  return isFields(called) ? [textOf(called["name"]), canonicalArguments(called["arguments"])] : ["", ""];
}

/** Models write "" for no arguments, SDKs write "{}". */
function canonicalArguments(written: unknown): string {
  if (typeof written !== "string") return comparable(written ?? {});
  if (written.trim() === "") return "{}";
  if (hasTooManyValues(written)) return written;
  try {
    return comparable(JSON.parse(written), written);
  } catch {
    return written;
  }
}
