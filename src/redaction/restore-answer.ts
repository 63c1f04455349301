import type { ChatMessage } from "../protocol/chat-message.ts";
import { type JsonObject, isJsonObject, parseJsonObject } from "../protocol/json-object.ts";
import { type AnswerPlace, formAt, mapAnswerStrings } from "./answer-strings.ts";
import { restoreText, type WithheldLookup } from "./restore-text.ts";

/** The message with withheld values put back; the same object where nothing was. */
export function restoreMessage(message: ChatMessage, values: WithheldLookup): ChatMessage {
  if (values.size === 0) return message;
  const copy = structuredClone(message);
  return restoreFields(copy, values) ? copy : message;
}

/** A plain answer with withheld values put back; the very bytes where nothing was. */
export function restoreAnswer(body: Buffer, values: WithheldLookup): Buffer {
  const answer = values.size === 0 ? undefined : parseJsonObject(body.toString("utf8"));
  const choices: unknown = answer?.["choices"];
  if (!Array.isArray(choices)) return body;
  let changed = false;
  for (const choice of choices) {
    if (!isJsonObject(choice) || !isJsonObject(choice["message"])) continue;
    changed = restoreFields(choice["message"], values) || changed;
  }
  return changed ? Buffer.from(JSON.stringify(answer)) : body;
}

const restoreFields = (fields: JsonObject, values: WithheldLookup): boolean =>
  mapAnswerStrings(fields, (text, place) => restoreWhole(text, place, values));

/** A tool's name was replaced as a whole, and comes back as a whole. */
export function restoreWhole(text: string, place: AnswerPlace, values: WithheldLookup): string {
  const name = place.key === "name" ? values.get(text) : undefined;
  return name ?? restoreText(text, values, formAt(place));
}
