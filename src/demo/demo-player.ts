import type OpenAI from "openai";
import { ChatCompletionStream } from "openai/lib/ChatCompletionStream";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";

import { demoSystem, demoTools, type DemoTurn } from "./demo-conversation.ts";

/** How a client keeps a conversation: it sends what is new, or everything each time. */
export type DemoMode = "delta" | "replay";

export interface PlayedRequest {
  readonly milliseconds: number;
  /** What the gateway said about itself; empty for a direct request. */
  readonly headers: Headers;
}

interface PlayerOptions {
  readonly model: string;
  readonly mode: DemoMode;
  /** `undefined` for a client that talks to the provider itself. */
  readonly sessionId: string | undefined;
}

/** A chat client like any other: it knows its own messages, and nothing of the gateway but a header. */
export class DemoPlayer {
  client: OpenAI;
  readonly #options: PlayerOptions;
  readonly #transcript: ChatCompletionMessageParam[] = [];

  constructor(client: OpenAI, options: PlayerOptions) {
    this.client = client;
    this.#options = options;
  }

  async play(turn: DemoTurn): Promise<PlayedRequest[]> {
    const first = await this.#ask([{ role: "user", content: turn.user }], turn.stream);
    const [call] = first.message.tool_calls ?? [];
    if (!call || turn.toolResult === undefined) return [first.request];
    const second = await this.#ask([{ role: "tool", tool_call_id: call.id, content: turn.toolResult }], turn.stream);
    return [first.request, second.request];
  }

  async #ask(fresh: ChatCompletionMessageParam[], stream: boolean) {
    const { model, mode, sessionId } = this.#options;
    const past = mode === "replay" ? this.#transcript : [];
    const messages: ChatCompletionMessageParam[] = [{ role: "system", content: demoSystem }, ...past, ...fresh];
    const headers = sessionId === undefined ? {} : { "X-Session-Id": sessionId };
    const startedAt = performance.now();
    const body = { model, messages, tools: demoTools };
    const { message, response } = stream ? await this.#stream(body, headers) : await this.#plain(body, headers);
    this.#transcript.push(...fresh, message);
    return { message, request: { milliseconds: performance.now() - startedAt, headers: response.headers } };
  }

  async #plain(body: Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, "stream">, headers: Record<string, string>) {
    const { data, response } = await this.client.chat.completions.create(body, { headers }).withResponse();
    const choice = data.choices[0];
    if (!choice) throw new Error("an answer without a choice");
    return { message: choice.message, response };
  }

  async #stream(body: Omit<OpenAI.ChatCompletionCreateParamsStreaming, "stream">, headers: Record<string, string>) {
    const call = this.client.chat.completions.create({ ...body, stream: true }, { headers });
    const { data, response } = await call.withResponse();
    const message = await ChatCompletionStream.fromReadableStream(data.toReadableStream()).finalMessage();
    return { message, response };
  }
}
