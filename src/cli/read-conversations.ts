import { GatewayError } from "../errors/gateway-error.ts";
import { type ChatRequest, parseChatRequest } from "../protocol/chat-request.ts";
import { isJson, isJsonObject, type JsonObject } from "../protocol/json-object.ts";
import { noLimits } from "../protocol/scan-body.ts";
import { CommandError } from "./command.ts";
import { findMistake } from "./find-mistake.ts";
import { fromChatGpt, fromShareGpt } from "./foreign-conversations.ts";

/** A value of the file, and where it stands for whoever has to mend it. */
interface Placed {
  readonly value: unknown;
  readonly place: string;
}

/** The file is the user's own: nothing to defend against but what recursion cannot take. */
const limits = { ...noLimits, maxDepth: 1_000 };

/**
 * The conversations of a file, each as one request that holds all of its messages: an array of messages, a request with
 * `messages`, arrays of these, JSON Lines of these, and the exports of ChatGPT and ShareGPT. Of a log in which each
 * request repeats the one before, the last is the conversation.
 *
 * @throws CommandError that says where the file is wrong
 */
export function readConversations(text: string, name: string): ChatRequest[] {
  const conversations: JsonObject[] = [];
  const places: string[] = [];
  for (const { value, place } of joinMessages(readValues(text.replace(/^\uFEFF/, ""), name))) {
    for (const found of requestsIn({ value, place })) {
      if (!continues(found.value, conversations.at(-1))) places.push(found.place);
      else conversations.pop();
      conversations.push(found.value);
    }
  }
  return conversations.map((request, index) => parseConversation(request, places[index] ?? name));
}

function readValues(text: string, name: string): Placed[] {
  const lines = text.split("\n").map((line, index) => ({ line, place: `${name}, line ${index + 1}` }));
  const filled = lines.filter(({ line }) => line.trim() !== "");
  if (filled.length === 0) throw new CommandError(`${name} is empty`);
  const isLines = filled.length > 1 && isJson(filled[0]?.line ?? "");
  if (isLines)
    return filled.map(({ line, place }) => ({ value: parseJson(line, (column) => `${place}${column}`), place }));
  return [{ value: parseJson(text, (column, line) => `${name}, line ${line}${column}`), place: name }];
}

/** The engine's own complaint quotes the text; only its position is shown. */
function parseJson(text: string, place: (column: string, line: number) => string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const before = text.slice(0, findMistake(text)).split("\n");
    const column = `, column ${(before.at(-1)?.length ?? 0) + 1}`;
    throw new CommandError(`${place(column, before.length)}: this is not JSON`);
  }
}

/** Lines that are a message each are one conversation. */
function joinMessages(values: readonly Placed[]): readonly Placed[] {
  const [first] = values;
  const areMessages = values.every(({ value }) => isMessage(value));
  return first && areMessages ? [{ value: values.map(({ value }) => value), place: first.place }] : values;
}

const isMessage = (value: unknown): value is JsonObject => isJsonObject(value) && typeof value["role"] === "string";

interface FoundRequest {
  readonly value: JsonObject;
  readonly place: string;
}

function requestsIn({ value, place }: Placed): FoundRequest[] {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    if (items.length === 0) throw new CommandError(`${place}: there is no message in it`);
    if (!items.some((item) => isJsonObject(item) && "messages" in wrapped(item))) {
      if (items.some((item) => isMessage(item))) return [{ value: { messages: items }, place }];
    }
    return items.flatMap((item, index) => requestsIn({ value: item, place: `${place}, item ${index + 1}` }));
  }
  const request = isJsonObject(value) ? wrapped(value) : {};
  const messages = request["messages"] ?? fromShareGpt(request) ?? fromChatGpt(request);
  if (!Array.isArray(messages)) throw new CommandError(`${place}: expected messages, or an object with "messages"`);
  return [{ value: { ...request, messages }, place }];
}

/** A line of a batch file or of a log holds the request in one of its fields. */
function wrapped(value: JsonObject): JsonObject {
  const inner = [value["body"], value["request"]].find((field) => isJsonObject(field) && "messages" in field);
  return isJsonObject(inner) ? inner : value;
}

/** Whether a request repeats all that an earlier one said, and goes on. */
function continues(request: JsonObject, earlier: JsonObject | undefined): boolean {
  const [all, before] = [request["messages"], earlier?.["messages"]];
  if (!Array.isArray(all) || !Array.isArray(before) || before.length > all.length) return false;
  return before.every((message, index) => JSON.stringify(message) === JSON.stringify(all[index]));
}

const IGNORED_MODEL = "unnamed";

function parseConversation({ model, messages, ...fields }: JsonObject, place: string): ChatRequest {
  const { tools, functions, response_format } = fields;
  const named = typeof model === "string" && model !== "" ? model : IGNORED_MODEL;
  const request = { model: named, tools, functions, response_format, messages };
  try {
    return parseChatRequest(Buffer.from(JSON.stringify(request)), limits);
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    throw new CommandError(`${place}: ${cause.message}`, { cause });
  }
}
