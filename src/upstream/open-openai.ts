import type OpenAI from "openai";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Secret } from "../kit/secret.ts";

export interface OpenAiOptions {
  readonly baseUrl: string;
  /** The gateway's own key; the caller's credential pays when absent. */
  readonly apiKey?: Secret;
  readonly timeoutMs: number;
}

/** The client of the gateway's own calls. Imported on first use: it takes longer to load than the rest of the gateway. */
export async function openOpenAi({ baseUrl, apiKey, timeoutMs }: OpenAiOptions): Promise<OpenAI> {
  const { default: Client } = await import("openai");
  const base = new URL(baseUrl);
  return new Client({
    baseURL: base.origin + base.pathname,
    defaultQuery: Object.fromEntries(base.searchParams),
    apiKey: apiKey?.expose() ?? "unused",
    // Stated, or the client would look for them in the environment.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: "off",
    timeout: timeoutMs,
    maxRetries: 1,
    fetchOptions: { redirect: "manual" },
  });
}

/** Of a call that a caller's credential pays for. */
export function callerHeaders(
  { apiKey }: OpenAiOptions,
  credential: { readonly header: string; readonly value: string } | undefined,
): Record<string, string | null> {
  if (apiKey !== undefined) return {};
  return { authorization: null, ...(credential && { [credential.header]: credential.value }) };
}

/** An upstream's message may quote the prompt or a part of the key, so only its status is kept. */
export function toGatewayError(call: "summary" | "embedding", error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const status = statusOf(error);
  const name = error instanceof Error ? error.constructor.name : "unknown error";
  const code = name === "APIConnectionTimeoutError" ? "upstream_timeout" : "upstream_unreachable";
  return new GatewayError(code, `${call} failed: ${name}${status === undefined ? "" : ` ${status}`}`);
}

export function statusOf(error: unknown): number | undefined {
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  return typeof status === "number" ? status : undefined;
}
