import { GatewayError } from "../errors/gateway-error.ts";
import type { Awaitable } from "../kit/awaitable.ts";
import { nextSlice } from "../kit/slice-queue.ts";
import { isLong, mapInSlices } from "../kit/work-slices.ts";
import type { ChatMessage } from "./chat-message.ts";
import { type BodyLimits, type Span, parseJson, scanBody } from "./scan-body.ts";

/** A message of the request with the very bytes it came in. */
export interface RequestMessage {
  readonly message: ChatMessage;
  readonly bytes: Buffer;
}

/** What the gateway reads of a chat request; everything else in the body passes as it is. */
export interface ChatRequest {
  readonly body: Buffer;
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** How many choices are asked for. */
  readonly choices: number;
  /** Every top-level field but `messages`. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly members: ReadonlyMap<string, Span>;
  readonly messages: readonly RequestMessage[];
}

/** @throws GatewayError of the `body_*` codes and `invalid_request`, its `param` naming the field */
export function parseChatRequest(body: Buffer, limits: BodyLimits): ChatRequest {
  const envelope = parseEnvelope(body, limits);
  const messages = envelope.spans.map((span, index) => parseMessage(body, span, index));
  return toChatRequest(body, envelope, messages);
}

/** The same; where it is long with pauses, in which others have their turns. */
export function parseInSlices(body: Buffer, limits: BodyLimits): Awaitable<ChatRequest> {
  return isLong(body.length) ? parseLongRequest(body, limits) : parseChatRequest(body, limits);
}

async function parseLongRequest(body: Buffer, limits: BodyLimits): Promise<ChatRequest> {
  await nextSlice();
  const envelope = parseEnvelope(body, limits);
  await nextSlice();
  const messages = await mapInSlices(envelope.spans, {
    bytesOf: ({ start, end }) => end - start,
    map: (span, index) => parseMessage(body, span, index),
  });
  return toChatRequest(body, envelope, messages);
}

interface Envelope {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly members: ReadonlyMap<string, Span>;
  readonly spans: readonly Span[];
  readonly model: string;
  readonly stream: boolean;
  readonly choices: number;
}

function parseEnvelope(body: Buffer, limits: BodyLimits): Envelope {
  const map = scanBody(body, limits);
  const fields = parseFields(body, map.members.get("messages"));
  if (!map.messages) throw wrong("messages", "must be an array of messages");
  const { model, stream, n } = fields;
  if (typeof model !== "string" || model === "") throw wrong("model", "must be a string");
  if (stream !== undefined && stream !== null && typeof stream !== "boolean")
    throw wrong("stream", "must be a boolean");
  if (n !== undefined && n !== null && !isChoiceCount(n)) throw wrong("n", "must be an integer from 1 to 128");
  const choices = isChoiceCount(n) ? n : 1;
  return { fields, members: map.members, spans: map.messages, model, stream: stream === true, choices };
}

const toChatRequest = (
  body: Buffer,
  { model, stream, choices, fields, members }: Envelope,
  messages: readonly RequestMessage[],
): ChatRequest => ({
  body,
  model,
  stream,
  includeUsage: asObject(fields["stream_options"])?.["include_usage"] === true,
  choices,
  fields,
  members,
  messages,
});

function parseFields(body: Buffer, messages: Span | undefined): Record<string, unknown> {
  if (!messages) return parseJson(body.toString("utf8")) as Record<string, unknown>;
  const text = `${body.toString("utf8", 0, messages.start)}[]${body.toString("utf8", messages.end)}`;
  return parseJson(text) as Record<string, unknown>;
}

function parseMessage(body: Buffer, { start, end }: Span, index: number): RequestMessage {
  const bytes = body.subarray(start, end);
  const message = asObject(parseJson(bytes.toString("utf8")));
  const at = `messages[${index}]`;
  if (!message) throw wrong(at, "must be an object");
  if (typeof message["role"] !== "string" || message["role"] === "") throw wrong(`${at}.role`, "must be a string");
  checkContent(message["content"], `${at}.content`);
  checkToolCalls(message["tool_calls"], `${at}.tool_calls`);
  const { tool_call_id: callId } = message;
  if (callId !== undefined && callId !== null && typeof callId !== "string") {
    throw wrong(`${at}.tool_call_id`, "must be a string");
  }
  return { message: message as ChatMessage, bytes };
}

function checkContent(content: unknown, at: string): void {
  if (content === undefined || content === null || typeof content === "string") return;
  if (!Array.isArray(content)) throw wrong(at, "must be a string, an array of parts or null");
  content.forEach((part, index) => {
    const fields = asObject(part);
    if (typeof fields?.["type"] !== "string") throw wrong(`${at}[${index}].type`, "must be a string");
    const { text } = fields;
    if (text !== undefined && typeof text !== "string") throw wrong(`${at}[${index}].text`, "must be a string");
  });
}

function checkToolCalls(calls: unknown, at: string): void {
  if (calls === undefined || calls === null) return;
  if (!Array.isArray(calls)) throw wrong(at, "must be an array");
  calls.forEach((call, index) => {
    const fields = asObject(call);
    if (typeof fields?.["id"] !== "string") throw wrong(`${at}[${index}].id`, "must be a string");
    const named = asObject(fields["function"]);
    if (named && (typeof named["name"] !== "string" || typeof named["arguments"] !== "string")) {
      throw wrong(`${at}[${index}].function`, "must have a name and arguments, both strings");
    }
  });
}

const isChoiceCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 128;

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

const wrong = (param: string, rule: string): GatewayError =>
  new GatewayError("invalid_request", `${param} ${rule}`, {
    publicDetail: `Invalid request: '${param}' ${rule}.`,
    param,
  });
