import type { Said, SaidCall } from "./reference-conversation.ts";

/** A chat message as it travels, as far as simulated clients care. */
export interface WireMessage {
  readonly role: string;
  readonly content?: string | readonly { readonly type: string; readonly text?: string }[] | null;
  readonly [field: string]: unknown;
}

/** Ways in which SDKs were seen to rewrite the messages they send back; style 0 leaves all alone. */
const rewriters: readonly ((message: WireMessage) => WireMessage)[] = [
  (message) => (typeof message.content === "string" ? { ...message, content: asParts(message.content, 1) } : message),
  (message) => (typeof message.content === "string" ? { ...message, content: asParts(message.content, 2) } : message),
  (message) => mapText(message, (text) => text.replaceAll("\n", "\r\n")),
  (message) => mapText(message, (text) => `${text} \n`),
  (message) =>
    message.role === "assistant" ? { ...message, refusal: null, parsed: null, annotations: [], audio: null } : message,
  (message) => (message.role === "assistant" ? { tool_calls: [], function_call: null, ...message } : message),
  (message) => (message.role === "assistant" && message.content === null ? withoutContent(message) : message),
  (message) => (message.role === "assistant" && message.content === null ? { ...message, content: "" } : message),
  (message) => (message.role === "assistant" ? mapText(message, (text) => `<think>hm</think>\n\n${text}`) : message),
  (message) =>
    message.role === "assistant"
      ? { ...message, reasoning_content: "hm", reasoning_details: [{ text: "hm" }] }
      : message,
  (message) => ({
    ...message,
    ...(message["tool_calls"] !== undefined && { tool_calls: reprinted(message["tool_calls"]) }),
  }),
  (message) => (message.role === "user" ? message : { ...message, name: "sdk" }),
  (message) => Object.fromEntries(Object.entries(message).reverse()) as WireMessage,
];

const asParts = (text: string, count: number) => {
  const middle = count === 1 ? text.length : text.indexOf(" ") + 1;
  const texts = [text.slice(0, middle), text.slice(middle)].slice(0, count);
  return texts.map((part) => ({ type: "text", text: part }));
};

function mapText(message: WireMessage, map: (text: string) => string): WireMessage {
  return typeof message.content === "string" ? { ...message, content: map(message.content) } : message;
}

function withoutContent({ content: _content, ...rest }: WireMessage): WireMessage {
  return rest;
}

interface WireCall {
  readonly id: string;
  readonly type: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

function reprinted(calls: unknown): WireCall[] {
  return (calls as readonly WireCall[]).map((call) => {
    const input = JSON.parse(call.function.arguments) as SaidCall["input"];
    const backwards = Object.fromEntries(Object.entries(input).reverse());
    return { ...call, function: { ...call.function, arguments: JSON.stringify(backwards, null, 1) } };
  });
}

/** Writes a message as some SDK would; every style means the same. */
export function writeMessage({ role, text, calls, callId }: Said, style: number): WireMessage {
  const plain: WireMessage = {
    role,
    content: text === "" ? null : text,
    ...(callId !== "" && { tool_call_id: callId }),
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, name, input }): WireCall => {
        return { id, type: "function", function: { name, arguments: JSON.stringify(input) } };
      }),
    }),
  };
  if (style === 0) return plain;
  // Two rewriters at a time; the order matters, as it does in a chain of SDK and framework.
  const first = rewriters[style % rewriters.length];
  const second = rewriters[Math.floor(style / 3) % rewriters.length];
  return second?.(first?.(plain) ?? plain) ?? plain;
}

/** What a plainly written message means; the other half of `writeMessage(…, 0)`. */
export function readMessage(message: WireMessage): Said {
  const parts = typeof message.content === "string" ? [{ text: message.content }] : (message.content ?? []);
  const calls = (message["tool_calls"] ?? []) as readonly WireCall[];
  return {
    role: message.role as Said["role"],
    text: parts
      .map(({ text }) => text ?? "")
      .join("")
      .replaceAll("\r\n", "\n")
      .replace(/^<think>.*?<\/think>/s, "")
      .trim(),
    calls: calls.map((call) => {
      const input = JSON.parse(call.function.arguments) as SaidCall["input"];
      const sorted = Object.entries(input).sort(([left], [right]) => (left < right ? -1 : 1));
      return { id: call.id, name: call.function.name, input: Object.fromEntries(sorted) };
    }),
    callId: (message["tool_call_id"] as string | undefined) ?? "",
  };
}
