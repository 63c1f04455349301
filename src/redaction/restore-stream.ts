import { type JsonObject, isJsonObject, parseJsonObject } from "../protocol/json-object.ts";
import { eventData, replaceEventData, splitEvents } from "../protocol/sse-event.ts";
import { type AnswerPlace, deltaWith, formAt, itemName, mapAnswerStrings } from "./answer-strings.ts";
import { restoreWhole } from "./restore-answer.ts";
import { createTextRestorer, type TextRestorer, type WithheldLookup } from "./restore-text.ts";

/** Puts withheld values back into a streamed answer, however the model's words were parted. */
export interface StreamRestorer {
  /** Takes whole events and gives whole events. Those that need no change are the very bytes that came. */
  push(events: Buffer): Buffer;
  /** Events with what is still held: no more will come. */
  end(): Buffer;
}

/** Strings of a delta that go on in the next one. Any other is whole. */
const IN_PIECES = new Set(
  "content refusal reasoning reasoning_content arguments input text summary thinking transcript".split(" "),
);

export function createStreamRestorer(values: WithheldLookup): StreamRestorer {
  const choices = new Map<number, ChoiceRestorer>();
  let envelope: JsonObject = {};

  const eventOf = (index: number, delta: JsonObject): Buffer => {
    const choice = { index, delta, logprobs: null, finish_reason: null };
    return Buffer.from(`data: ${JSON.stringify({ ...envelope, choices: [choice] })}\n\n`);
  };
  const endAll = (): Buffer[] =>
    [...choices].flatMap(([index, choice]) => choice.end().map((delta) => eventOf(index, delta)));
  const restoreChoice = (choice: JsonObject): { changed: boolean; before: Buffer[] } => {
    const index = typeof choice["index"] === "number" ? choice["index"] : 0;
    const restorer = choices.get(index) ?? createChoiceRestorer(values);
    choices.set(index, restorer);
    const { changed, before } = restorer.restore(choice);
    return { changed, before: before.map((delta) => eventOf(index, delta)) };
  };
  const restoreEvent = (event: Buffer): readonly Buffer[] => {
    const data = eventData(event);
    if (data === undefined) return [event];
    const chunk = parseJsonObject(data);
    if (data.trim() === "[DONE]" || chunk?.["error"]) return [...endAll(), event];
    if (!chunk || !Array.isArray(chunk["choices"])) return [event];
    const { choices: parts, usage: _usage, obfuscation: _obfuscation, ...others } = chunk;
    envelope = others;
    const restored = (parts as readonly unknown[]).filter(isJsonObject).map(restoreChoice);
    const before = restored.flatMap((choice) => choice.before);
    const isChanged = restored.some(({ changed }) => changed);
    return [...before, isChanged ? replaceEventData(event, JSON.stringify(chunk)) : event];
  };
  return {
    push(events) {
      const given = splitEvents(events);
      const restored = given.flatMap(restoreEvent);
      const isSame = restored.length === given.length && restored.every((event, index) => event === given[index]);
      return isSame ? events : Buffer.concat(restored);
    },
    end: () => Buffer.concat(endAll()),
  };
}

/** A stream that is there as a whole. */
export function restoreStream(events: Buffer, values: WithheldLookup): Buffer {
  if (values.size === 0) return events;
  const restorer = createStreamRestorer(values);
  return Buffer.concat([restorer.push(events), restorer.end()]);
}

interface ChoiceRestorer {
  /** Restores a choice of a chunk in place; `before` are deltas that must go out ahead of it. */
  restore(choice: JsonObject): { readonly changed: boolean; readonly before: readonly JsonObject[] };
  /** Deltas with what is still held. */
  end(): readonly JsonObject[];
}

interface OpenText {
  readonly place: AnswerPlace;
  readonly restorer: TextRestorer;
}

function createChoiceRestorer(values: WithheldLookup): ChoiceRestorer {
  const open = new Map<string, OpenText>();
  const callIds = new Map<string, string>();

  const openAt = (place: AnswerPlace): TextRestorer => {
    const known = open.get(place.path);
    if (known) return known.restorer;
    const restorer = createTextRestorer(values, formAt(place));
    open.set(place.path, { place, restorer });
    return restorer;
  };
  const close = (isClosed: (path: string) => boolean): JsonObject[] => {
    const closed = [...open].filter(([path]) => isClosed(path));
    return closed.flatMap(([path, { place, restorer }]) => {
      open.delete(path);
      const rest = restorer.end();
      return rest === "" ? [] : [deltaWith(rest, place)];
    });
  };
  /** Gemini gives every parallel call the index 0: another id begins another call. */
  const closeOldCalls = (calls: unknown): JsonObject[] => {
    if (!Array.isArray(calls)) return [];
    return calls.flatMap((call: unknown, position) => {
      const id = isJsonObject(call) ? call["id"] : undefined;
      if (typeof id !== "string" || id === "") return [];
      const path = `/tool_calls/${itemName(call, position)}`;
      const isAnother = (callIds.get(path) ?? id) !== id;
      callIds.set(path, id);
      return isAnother ? close((place) => place.startsWith(`${path}/`)) : [];
    });
  };
  return {
    restore(choice) {
      const delta = isJsonObject(choice["delta"]) ? choice["delta"] : {};
      const isLast = typeof choice["finish_reason"] === "string" && choice["finish_reason"] !== "";
      const before = closeOldCalls(delta["tool_calls"]);
      const said = new Set<string>();
      const changed = mapAnswerStrings(delta, (text, place) => {
        if (!IN_PIECES.has(place.key)) return restoreWhole(text, place, values);
        said.add(place.path);
        const restorer = openAt(place);
        return restorer.push(text) + (isLast ? restorer.end() : "");
      });
      return { changed, before: isLast ? [...before, ...close((path) => !said.has(path))] : before };
    },
    end: () => close(() => true),
  };
}
