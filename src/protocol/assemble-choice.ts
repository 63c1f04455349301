import { createFieldAssembler } from "./assemble-fields.ts";
import { createToolCallAssembler } from "./assemble-tool-calls.ts";
import type { AnswerChoice } from "./chat-answer.ts";
import { type JsonObject, isJsonObject } from "./json-object.ts";
import { type ProjectionOptions, projectMessage } from "./project-message.ts";
import { createTextPieces, type TextPieces } from "./text-pieces.ts";

export interface ChoiceAssembler {
  /** Takes one choice of a chunk: a delta, and its finish reason when it has one. */
  add(choice: JsonObject): void;
  /** `undefined` while nothing usable has arrived. */
  choice(index: number, options: ProjectionOptions): AnswerChoice | undefined;
}

const partTextFields = ["text", "summary"] as const;

/** Puts the deltas of one choice together again. */
export function createChoiceAssembler(): ChoiceAssembler {
  const texts = createFieldAssembler("refusal", "reasoning", "reasoning_content");
  const content = createPartAssembler();
  const reasoningDetails = createPartAssembler();
  const toolCalls = createToolCallAssembler();
  const functionCall = createFieldAssembler("arguments");
  let audioId: unknown;
  let finishReason: string | null = null;

  const addField = (field: string, value: unknown): void => {
    if (field === "content") content.add(value);
    else if (field === "reasoning_details") reasoningDetails.add(value);
    else if (field === "tool_calls") toolCalls.add(Array.isArray(value) ? value : []);
    else if (field === "function_call") functionCall.add(isJsonObject(value) ? value : {});
    else if (field === "audio") audioId ??= isJsonObject(value) ? value["id"] : undefined;
    else texts.addField(field, value);
  };
  const message = (): JsonObject => ({
    ...texts.fields(),
    content: content.value(),
    tool_calls: toolCalls.calls(),
    function_call: emptyAsUndefined(functionCall.fields()),
    audio: { id: audioId },
    reasoning_details: reasoningDetails.value(),
  });

  return {
    add(choice) {
      const { delta } = choice;
      if (isJsonObject(delta)) for (const field of Object.keys(delta)) addField(field, delta[field]);
      // xAI leaves the field out of ordinary chunks; others send an empty string.
      if (typeof choice["finish_reason"] === "string") finishReason = choice["finish_reason"] || finishReason;
    },
    choice(index, options) {
      const projected = projectMessage(message(), { ...options, finished: finishReason !== null });
      return projected && { index, message: projected, finishReason };
    },
  };
}

interface PartAssembler {
  add(piece: unknown): void;
  /** A string where only strings came, else the parts. */
  value(): string | readonly JsonObject[] | undefined;
}

/** Text, or lists of typed parts: neighbouring parts that differ in their text alone are pieces of one. */
function createPartAssembler(): PartAssembler {
  let strings: TextPieces | undefined;
  const parts: JsonObject[] = [];
  let open: { readonly key: string; readonly part: ReturnType<typeof createFieldAssembler> } | undefined;

  const close = (): void => {
    if (open !== undefined) parts.push(open.part.fields());
    open = undefined;
  };
  const addPart = (part: JsonObject): void => {
    const key = `${String(part["type"])} ${String(part["index"])}`;
    const isText = partTextFields.some((field) => typeof part[field] === "string");
    if (!isText || open?.key !== key) close();
    if (!isText) parts.push(part);
    else (open ??= { key, part: createFieldAssembler(...partTextFields) }).part.add(part);
  };

  return {
    add(piece) {
      if (typeof piece === "string") {
        if (parts.length > 0 || open !== undefined) addPart({ type: "text", text: piece });
        else (strings ??= createTextPieces()).add(piece);
      } else if (Array.isArray(piece)) {
        if (strings !== undefined) addPart({ type: "text", text: strings.text() });
        strings = undefined;
        piece.filter(isJsonObject).forEach(addPart);
      }
    },
    value() {
      close();
      return parts.length > 0 ? parts : strings?.text();
    },
  };
}

const emptyAsUndefined = (fields: JsonObject): JsonObject | undefined =>
  Object.keys(fields).length > 0 ? fields : undefined;
