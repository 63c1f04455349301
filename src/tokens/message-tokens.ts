import type { ChatMessage, ContentPart } from "../protocol/chat-message.ts";

/** What a message is counted by: texts that a vocabulary counts, and tokens that are known without one. */
export interface CountableMessage {
  readonly texts: readonly string[];
  readonly fixedTokens: number;
}

/** OpenAI cookbook, "How to count tokens with tiktoken": every message is framed by three tokens, a name by one. */
const framingTokens = 3;
const nameTokens = 1;

/** OpenAI's image guide for gpt-4o: 85 at low detail; at high 170 for each tile of 512 pixels, and 85. */
const lowDetailTokens = 85;
/** The four tiles of 1024 × 1024, since the size of a linked image is not known here. */
const highDetailTokens = lowDetailTokens + 4 * 170;

/** OpenAI bills ten tokens a second of spoken input; 24 kHz 16-bit mono WAV and 128 kbit/s MP3 are the usual formats. */
const wavBytesPerToken = 4800;
const mp3BytesPerToken = 1600;

/**
 * Tool calls count as their JSON. Images and audio are estimates; files and fields that this gateway does not know
 * count nothing.
 */
export function countableMessage(message: ChatMessage): CountableMessage {
  const parts: readonly ContentPart[] = typeof message.content === "string" ? [] : (message.content ?? []);
  const content = typeof message.content === "string" ? message.content : textOfParts(parts);
  const texts = [message.role, content, message.name ?? "", message.refusal ?? ""];
  for (const call of [message.tool_calls, message["function_call"]]) if (call) texts.push(JSON.stringify(call));
  let fixedTokens = framingTokens + (message.name ? nameTokens : 0);
  for (const part of parts) fixedTokens += mediaTokens(part);
  return { texts, fixedTokens };
}

function textOfParts(parts: readonly ContentPart[]): string {
  return parts.map((part) => part.text ?? textField(part["refusal"])).join("");
}

function mediaTokens(part: ContentPart): number {
  if (part.type === "image_url") {
    return fieldOf(part["image_url"], "detail") === "low" ? lowDetailTokens : highDetailTokens;
  }
  if (part.type === "input_audio") {
    const bytes = textField(fieldOf(part["input_audio"], "data")).length * 0.75;
    return Math.ceil(bytes / (fieldOf(part["input_audio"], "format") === "mp3" ? mp3BytesPerToken : wavBytesPerToken));
  }
  return 0;
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[field] : undefined;
}

function textField(value: unknown): string {
  return typeof value === "string" ? value : "";
}
