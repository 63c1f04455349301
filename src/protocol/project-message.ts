import type { ChatMessage, ContentPart, ToolCall } from "./chat-message.ts";
import { type JsonObject, isJsonObject } from "./json-object.ts";

export interface ProjectionOptions {
  /** Whether the upstream wants its reasoning back on the next turn; most refuse it as input. */
  readonly keepReasoning: boolean;
}

const reasoningFields = ["reasoning", "reasoning_content", "reasoning_details"] as const;

/**
 * What is legal as input of an answer's message: role, content, a refusal that is not null, tool calls, audio id.
 * An unfinished message keeps no tool calls, and is `undefined` when nothing else of it is left.
 */
export function projectMessage(
  message: JsonObject,
  { keepReasoning, finished }: ProjectionOptions & { readonly finished: boolean },
): ChatMessage | undefined {
  const beside = besideContent(message, finished);
  const content = projectContent(message["content"]) ?? (Object.keys(beside).length > 0 ? null : "");
  if (!finished && content === "") return undefined;
  return { role: "assistant", content, ...beside, ...(keepReasoning && reasoningOf(message)) };
}

/** A message may go without content only when one of these stands in its place. */
function besideContent(message: JsonObject, finished: boolean): Record<string, unknown> {
  const { refusal, audio, function_call: functionCall } = message;
  const calls = finished ? projectToolCalls(message["tool_calls"]) : [];
  return {
    ...(typeof refusal === "string" && refusal !== "" && { refusal }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(finished && isJsonObject(functionCall) && { function_call: functionCall }),
    ...(isJsonObject(audio) && typeof audio["id"] === "string" && { audio: { id: audio["id"] } }),
  };
}

function projectContent(content: unknown): string | readonly ContentPart[] | undefined {
  if (typeof content === "string") return content === "" ? undefined : content;
  return Array.isArray(content) && content.length > 0 ? content.filter(isContentPart) : undefined;
}

function projectToolCalls(calls: unknown): ToolCall[] {
  return Array.isArray(calls) ? calls.filter(isJsonObject).map(projectToolCall) : [];
}

/** Fields nobody here knows stay: some upstreams want a signature of theirs back with the call. */
function projectToolCall(call: JsonObject): ToolCall {
  const { id, type, function: called, ...others } = call;
  return {
    id: typeof id === "string" ? id : "",
    type: typeof type === "string" && type !== "" ? type : "function",
    ...(isJsonObject(called) && {
      function: { ...called, name: text(called["name"]), arguments: text(called["arguments"]) },
    }),
    ...others,
  };
}

function reasoningOf(message: JsonObject): JsonObject {
  const present = reasoningFields.filter((field) => message[field] !== undefined && message[field] !== null);
  return Object.fromEntries(present.map((field) => [field, message[field]]));
}

const isContentPart = (part: unknown): part is ContentPart => isJsonObject(part) && typeof part["type"] === "string";

/** Arguments are a string by contract, yet some upstreams answer with an object. */
const text = (value: unknown): string => (typeof value === "string" ? value : value ? JSON.stringify(value) : "");
