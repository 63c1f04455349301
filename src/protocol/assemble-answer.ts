import { createChoiceAssembler, type ChoiceAssembler } from "./assemble-choice.ts";
import type { AnswerChoice, ChatAnswer } from "./chat-answer.ts";
import type { Usage } from "./chat-message.ts";
import { parseUsage } from "./chat-usage.ts";
import { type JsonObject, isJsonObject, parseJsonObject } from "./json-object.ts";
import { type ProjectionOptions, projectMessage } from "./project-message.ts";
import { eachData } from "./sse-event.ts";

/** Not worth an exception. */
const DONE = "[DONE]";

export interface AnswerAssembler {
  /** Takes whole events, as bytes; or the data of one event, as a string. What is not a chunk of an answer is passed over. */
  add(events: Buffer | string): void;
  /** The answer so far. */
  answer(): ChatAnswer;
  /** Whether the upstream's last word, `[DONE]` apart, is an error. */
  endsInError(): boolean;
}

/** Assembles a streamed answer piece by piece, so that no long stream is parsed in one go at its end. */
export function createAnswerAssembler(expectedChoices: number, options: ProjectionOptions): AnswerAssembler {
  const choices = new Map<number, ChoiceAssembler>();
  let id: string | undefined;
  let model: string | undefined;
  let usage: Usage | undefined;
  let endsInError = false;

  const addChunk = (chunk: JsonObject): void => {
    endsInError = isJsonObject(chunk["error"]);
    // Azure's first chunk has an empty id and model.
    id ??= nonEmpty(chunk["id"]);
    model ??= nonEmpty(chunk["model"]);
    usage = parseUsage(chunk["usage"]) ?? usage;
    if (!Array.isArray(chunk["choices"])) return;
    for (const choice of chunk["choices"]) {
      if (!isJsonObject(choice)) continue;
      const index = choiceIndex(choice);
      const assembler = choices.get(index) ?? createChoiceAssembler();
      choices.set(index, assembler);
      assembler.add(choice);
    }
  };
  const addData = (data: string): void => {
    const chunk = data === DONE ? undefined : parseJsonObject(data);
    if (chunk !== undefined) addChunk(chunk);
  };

  return {
    add(events) {
      if (typeof events === "string") addData(events);
      else eachData(events, addData);
    },
    answer() {
      const assembled = [...choices].map(([index, choice]) => choice.choice(index, options));
      return toAnswer({ id, model, usage, choices: assembled, expectedChoices });
    },
    endsInError: () => endsInError,
  };
}

/** Assembles a whole stream at once. A buffer holds one or more whole events, a string the data of one. */
export function assembleFromStream(
  events: Iterable<Buffer | string>,
  expectedChoices: number,
  options: ProjectionOptions,
): ChatAnswer {
  const assembler = createAnswerAssembler(expectedChoices, options);
  for (const event of events) assembler.add(event);
  return assembler.answer();
}

/** The answer in a plain body; `undefined` when the body is not a chat completion. */
export function assembleFromJson(body: Buffer, options: ProjectionOptions): ChatAnswer | undefined {
  const completion = parseJsonObject(body.toString());
  if (completion === undefined || !Array.isArray(completion["choices"])) return undefined;
  const given = completion["choices"].filter(isJsonObject);
  const choices = given.map((choice) => readChoice(choice, options));
  return toAnswer({
    id: nonEmpty(completion["id"]),
    model: nonEmpty(completion["model"]),
    usage: parseUsage(completion["usage"]),
    choices,
    expectedChoices: Math.max(1, given.length),
  });
}

interface Assembled extends Omit<ChatAnswer, "choices" | "complete"> {
  readonly choices: readonly (AnswerChoice | undefined)[];
  readonly expectedChoices: number;
}

function toAnswer({ id, model, usage, choices, expectedChoices }: Assembled): ChatAnswer {
  const usable = inOrder(choices.filter((choice) => choice !== undefined));
  const finished = usable.filter((choice) => choice.finishReason !== null).length;
  return { id, model, usage, choices: usable, complete: finished >= Math.max(1, expectedChoices) };
}

/** Nearly every answer has one choice. */
const inOrder = (choices: readonly AnswerChoice[]): readonly AnswerChoice[] =>
  choices.length < 2 ? choices : choices.toSorted((one, other) => one.index - other.index);

function readChoice(choice: JsonObject, options: ProjectionOptions): AnswerChoice | undefined {
  if (!isJsonObject(choice["message"])) return undefined;
  const finishReason = nonEmpty(choice["finish_reason"]) ?? null;
  const message = projectMessage(choice["message"], { ...options, finished: finishReason !== null });
  return message && { index: choiceIndex(choice), message, finishReason };
}

function choiceIndex(choice: JsonObject): number {
  const index = choice["index"];
  return typeof index === "number" && Number.isSafeInteger(index) && index >= 0 ? index : 0;
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
