import type { SimulatedMessage } from "./chat-body.ts";

const roles = new Set(["system", "developer", "user", "assistant", "tool", "function"]);

/** What OpenAI would refuse with 400, in its words. */
export function findProblem(body: unknown): string | undefined {
  const { model, messages, n } = (body ?? {}) as Partial<Record<string, unknown>>;
  if (typeof model !== "string") return "you must provide a model parameter";
  if (!Array.isArray(messages)) return "Invalid type for 'messages': expected an array of objects.";
  if (messages.length === 0) return "Invalid 'messages': empty array. Expected an array with minimum length 1.";
  if (n !== undefined && n !== null && !(Number.isInteger(n) && Number(n) >= 1 && Number(n) <= 128))
    return "Invalid 'n'.";
  const malformed = messages.findIndex((message: unknown) => !isMessage(message));
  if (malformed !== -1) return `Invalid value for 'messages[${malformed}]'.`;
  return findOrphan(messages as readonly SimulatedMessage[]);
}

function isMessage(value: unknown): value is SimulatedMessage {
  if (typeof value !== "object" || value === null) return false;
  const message = value as SimulatedMessage;
  if (!roles.has(message.role)) return false;
  if (message.role === "tool" && typeof message.tool_call_id !== "string") return false;
  if (typeof message.content === "string" || Array.isArray(message.content)) return true;
  const stands = [message.tool_calls, message["function_call"], message["audio"], message["refusal"]];
  return message.role === "assistant" && (message.content ?? null) === null && stands.some((field) => field);
}

function findOrphan(messages: readonly SimulatedMessage[]): string | undefined {
  let unanswered = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      if (unanswered.delete(message.tool_call_id ?? "")) continue;
      return `Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'. (messages[${index}])`;
    }
    if (unanswered.size > 0) break;
    unanswered = new Set(message.tool_calls?.map((call) => call.id));
  }
  if (unanswered.size === 0) return undefined;
  return `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...unanswered].join(", ")}`;
}
