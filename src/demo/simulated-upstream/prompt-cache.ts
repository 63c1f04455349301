import { createHash } from "node:crypto";

import type { SimulatedUpstreamOptions } from "../simulated-upstream.ts";
import { type ChatBody, type SimulatedMessage, textOf } from "./chat-body.ts";
import type { World } from "./world.ts";

/** The longest run of whole messages that an earlier prompt began with is cached, from a minimum on, in steps. */
export function createPromptCache(
  options: SimulatedUpstreamOptions,
  countTokens: World["countTokens"],
  now: () => number,
) {
  const { ttlMs = 300_000, minimumTokens = 1024, stepTokens = 128 } = options.promptCache ?? {};
  const prefixes = new Map<string, { readonly tokens: number; seenAt: number }>();
  const bill = ({ model, tools, messages }: ChatBody): { promptTokens: number; cachedTokens: number } => {
    const front = JSON.stringify([model, tools ?? null]);
    const hash = createHash("sha256").update(front);
    const at = now();
    let tokens = tools ? countTokens(JSON.stringify(tools)) : 0;
    let cached = 0;
    let unbroken = true;
    for (const message of messages) {
      const key = hash.update(JSON.stringify(message)).copy().digest("base64");
      const seen = prefixes.get(key);
      tokens = seen?.tokens ?? tokens + messageTokens(message, countTokens);
      unbroken &&= seen !== undefined && at - seen.seenAt <= ttlMs;
      if (unbroken) cached = tokens;
      prefixes.set(key, { tokens, seenAt: at });
    }
    const cachedTokens = cached < minimumTokens ? 0 : Math.floor(cached / stepTokens) * stepTokens;
    return { promptTokens: tokens + 3, cachedTokens };
  };
  return { bill, clear: () => prefixes.clear() };
}

/** After OpenAI's cookbook: three for the frame of a message, plus what it says. */
function messageTokens(message: SimulatedMessage, countTokens: World["countTokens"]): number {
  const calls = message.tool_calls ? countTokens(JSON.stringify(message.tool_calls)) : 0;
  return 3 + countTokens(message.role) + countTokens(textOf(message)) + calls;
}
