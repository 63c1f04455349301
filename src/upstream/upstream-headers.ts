import type { IncomingHttpHeaders } from "node:http";

import type { Secret } from "../kit/secret.ts";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** RFC 9110 §7.6.1; `proxy-*` is matched by its prefix. */
const hopByHop = new Set(["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"]);

/**
 * Meant for the gateway alone. A browser's cookies belong to the gateway's origin; an answer that was compressed could
 * not be relayed event by event; where a client is, anybody could have written, and is not the provider's business.
 */
const forGatewayOnly = new Set([
  ...hopByHop,
  "host",
  "content-length",
  "expect",
  "cookie",
  "accept-encoding",
  "x-user-id",
  "forwarded",
  "x-real-ip",
]);
const gatewayPrefix = /^x-(?:session|history|forwarded|stategate)-/;

/** They choose an account, which is no longer the caller's choice where the gateway pays. */
const accountHeaders = new Set(["authorization", "api-key", "x-api-key", "openai-organization", "openai-project"]);

/** In an answer they tell every caller whose account it is, or sign him in to it. */
const accountAnswers = new Set(["openai-organization", "openai-project", "set-cookie"]);

export interface RequestHeaderOptions {
  /** Replaces every credential of the caller. */
  readonly apiKey: Secret | undefined;
  /** For a body whose length this process does not know. */
  readonly keepContentLength: boolean;
}

/** What goes upstream of a client's headers, as a flat list of names and values. */
export function requestHeaders(headers: IncomingHttpHeaders, options: RequestHeaderOptions): string[] {
  const { apiKey, keepContentLength } = options;
  const named = connectionTokens(headers);
  const list: string[] = ["accept-encoding", "identity"];
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined || isForGateway(name) || isNamed(name, named)) continue;
    if (apiKey !== undefined && accountHeaders.has(name)) continue;
    if (typeof value === "string") list.push(name, value);
    else for (const one of value) list.push(name, one);
  }
  if (apiKey !== undefined) list.push("authorization", `Bearer ${apiKey.expose()}`);
  const length = headers["content-length"];
  if (keepContentLength && length !== undefined) list.push("content-length", length);
  return list;
}

/** The caller's own credential and the account it names; nothing else of the request. */
export function credentialHeaders(headers: IncomingHttpHeaders): string[] {
  const own = Object.entries(headers).filter(([name]) => accountHeaders.has(name));
  return own.flatMap(([name, value]) => (typeof value === "string" ? [name, value] : []));
}

/** An answer's headers without those of the connection it came over, and of an account that is not the caller's. */
export function responseHeaders(headers: Headers, isShared: boolean): Record<string, string | string[]> {
  const named = connectionTokens(headers);
  const kept: Record<string, string | string[]> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (isShared && accountAnswers.has(name)) continue;
    if (value !== undefined && !isHopByHop(name) && !isNamed(name, named)) kept[name] = value;
  }
  return kept;
}

const isHopByHop = (name: string): boolean => hopByHop.has(name) || name.startsWith("proxy-");

/** The connection's own headers may be named by `Connection`, too. */
const isNamed = (name: string, named: readonly string[]): boolean => named.length > 0 && named.includes(name);

function isForGateway(name: string): boolean {
  // Many servers read `_` as `-`: `transfer_encoding` or `x_user_id` would be to them what was dropped above.
  if (name.includes("_")) return true;
  if (forGatewayOnly.has(name)) return true;
  return name.startsWith("x-") ? gatewayPrefix.test(name) : name.startsWith("proxy-");
}

const nothingNamed: readonly string[] = [];

function connectionTokens(headers: Headers): readonly string[] {
  const connection = headers["connection"];
  if (connection === undefined || connection === "keep-alive") return nothingNamed;
  return String(connection)
    .toLowerCase()
    .split(",")
    .map((token) => token.trim());
}
