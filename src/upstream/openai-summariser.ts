import type OpenAI from "openai";
import type { ChatCompletion, ChatCompletionCreateParamsNonStreaming } from "openai/resources/chat/completions";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Summariser, SummaryCaller, SummaryJob, SummaryResult } from "../history/summariser.ts";
import { parseUsage } from "../protocol/chat-usage.ts";
import { callerHeaders, openOpenAi, type OpenAiOptions, statusOf, toGatewayError } from "./open-openai.ts";
import { createSummaryPrompt } from "./summary-prompt.ts";

/** What a reasoning model may think before it writes; it counts against the same limit. */
const REASONING_ALLOWANCE_TOKENS = 2_048;

/** Makes summaries with a model of the upstream. Rejects with a GatewayError; its text never quotes the upstream's. */
export function createOpenAiSummariser(options: OpenAiOptions): Summariser {
  let client: Promise<OpenAI> | undefined;
  /** Models that refused the newer parameters once. */
  const older = new Set<string>();

  const ask = async (job: SummaryJob, caller: SummaryCaller): Promise<ChatCompletion> => {
    const { chat } = await (client ??= openOpenAi(options));
    const request = summaryRequest(job, caller.model, older.has(caller.model));
    return chat.completions.create(request, {
      signal: caller.signal,
      headers: callerHeaders(options, caller.credential),
    });
  };

  return {
    async summarise(job, caller) {
      try {
        return readSummary(await ask(job, caller), caller.model);
      } catch (error) {
        if (older.has(caller.model) || !refusesParameter(error)) throw toGatewayError("summary", error);
        older.add(caller.model);
        return readSummary(await ask(job, caller).catch(rethrow), caller.model);
      }
    },
  };
}

function summaryRequest(job: SummaryJob, model: string, older: boolean): ChatCompletionCreateParamsNonStreaming {
  const { system, user } = createSummaryPrompt(job);
  const messages = [
    { role: "system" as const, content: system },
    { role: "user" as const, content: user },
  ];
  // oxlint-disable-next-line typescript/no-deprecated -- older servers refuse the newer name
  if (older) return { model, messages, max_tokens: job.maxTokens };
  const effort = lowestEffort(model);
  if (effort === undefined) return { model, messages, max_completion_tokens: job.maxTokens };
  const limit = job.maxTokens + REASONING_ALLOWANCE_TOKENS;
  return { model, messages, max_completion_tokens: limit, reasoning_effort: effort };
}

/** The lowest effort that every model of a family takes; `undefined` for models that take none. */
function lowestEffort(model: string): "minimal" | "low" | undefined {
  const name = model.slice(model.lastIndexOf("/") + 1);
  if (/^gpt-5(?:-mini|-nano)?(?:-\d{4}-\d\d-\d\d)?$/.test(name)) return "minimal";
  return /^(?:o\d|gpt-5\.\d|gpt-oss)/.test(name) && !name.includes("chat") ? "low" : undefined;
}

function readSummary(completion: ChatCompletion, requestedModel: string): SummaryResult {
  const choice = completion.choices?.[0];
  const text = choice?.message?.content?.trim() ?? "";
  if (choice?.message?.refusal) throw new GatewayError("internal", "summary refused by the model");
  if (choice?.finish_reason !== "stop") throw new GatewayError("internal", "summary not finished by the model");
  if (text === "") throw new GatewayError("internal", "summary empty");
  const usage = parseUsage(completion.usage);
  return {
    text,
    model: completion.model || requestedModel,
    promptTokens: usage?.promptTokens ?? 0,
    cachedTokens: usage?.cachedTokens ?? 0,
    completionTokens: usage?.completionTokens ?? 0,
  };
}

function refusesParameter(error: unknown): boolean {
  if (statusOf(error) !== 400 && statusOf(error) !== 422) return false;
  return error instanceof Error && /max_completion_tokens|reasoning_effort/.test(error.message);
}

function rethrow(error: unknown): never {
  throw toGatewayError("summary", error);
}
