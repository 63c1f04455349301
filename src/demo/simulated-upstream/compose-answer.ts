import type { LoggedRequest } from "../simulated-upstream.ts";
import { type ChatBody, lastUserText, wantsSummary } from "./chat-body.ts";
import type { Directives } from "./directives.ts";
import type { Exchange, World } from "./world.ts";

export interface Answer {
  readonly head: Readonly<Record<string, unknown>>;
  readonly content: string | null;
  readonly refusal: string | null;
  readonly reasoning: string | undefined;
  readonly calls: readonly { id: string; type: "function"; function: { name: string; arguments: string } }[];
  readonly finishReason: string;
  readonly choices: number;
  readonly usage: object | undefined;
}

export function composeAnswer(exchange: Exchange, body: ChatBody, directives: Directives): Answer {
  const { world, entry } = exchange;
  const afterTool = body.messages.at(-1)?.role === "tool";
  const quoted = directives.has("quote") ? lastUserText(body) : undefined;
  const calls = (afterTool ? [] : directives.all("tool")).map((name) => ({
    id: world.nextId("call_"),
    type: "function" as const,
    function: { name, arguments: JSON.stringify({ query: quoted ?? "東京 😀" }) },
  }));
  const refusal = directives.has("refuse") ? "I can't help with that." : null;
  const content = calls.length > 0 || refusal !== null ? null : replyTo(world, body, directives);
  const choices = body.n ?? 1;
  entry.completionTokens = choices * world.countTokens(content ?? refusal ?? JSON.stringify(calls));
  return {
    head: {
      id: world.nextId("chatcmpl-sim"),
      created: Math.floor(world.now() / 1000),
      model: body.model,
      system_fingerprint: "fp_sim",
    },
    content,
    refusal,
    reasoning: directives.has("reason") ? "Thinking about it." : undefined,
    calls,
    finishReason: directives.all("finish")[0] ?? (calls.length > 0 ? "tool_calls" : "stop"),
    choices,
    usage: directives.all("usage").includes("none") ? undefined : usageOf(entry),
  };
}

function replyTo({ scripts }: World, body: ChatBody, directives: Directives): string {
  const text = lastUserText(body);
  const words = directives.number("len");
  const scripted = scripts.get(text);
  if (scripted !== undefined) return scripted;
  if (directives.has("echo")) return JSON.stringify(body.messages);
  if (words !== undefined) return Array.from({ length: words }, (_, index) => `word${index}`).join(" ");
  if (wantsSummary(body))
    return `Summary: ${text
      .replaceAll(/<[^>]*>/g, "")
      .trim()
      .slice(0, 600)}`;
  return `You said: ${text.slice(0, 400)} — naïve café 東京 😀`;
}

function usageOf({ promptTokens, cachedTokens, completionTokens }: LoggedRequest): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}
