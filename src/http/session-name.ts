import type { IncomingMessage } from "node:http";

import { GatewayError } from "../errors/gateway-error.ts";
import type { ChatRequest } from "../protocol/chat-request.ts";

/** Where clients in the field put a session's name, besides `X-Session-Id`; accepted where the configuration lists them. */
export const sessionAliases = [
  "metadata.session_id",
  "prompt_cache_key",
  "x-session-affinity",
  "conversation",
] as const;
export type SessionAlias = (typeof sessionAliases)[number];

/** Letters only: `Session-ID`, `session_id` and `session[id]` are one name to somebody. */
const queryNames = new Set(["sessionid", "xsessionid", "xsessionaffinity"]);

/** @throws GatewayError `session_id_in_query`: query strings end up in logs and histories */
export function refuseSessionInQuery(url: string): void {
  const query = url.indexOf("?");
  if (query < 0) return;
  for (const name of new URLSearchParams(url.slice(query)).keys()) {
    if (queryNames.has(name.toLowerCase().replaceAll(/[^a-z]/g, "")))
      throw new GatewayError("session_id_in_query", "session id in the query");
  }
}

/** The session named by the header; an empty header is a mistake, not an absent one. */
export function sessionHeader({ headers }: IncomingMessage): string | undefined {
  const value = headers["x-session-id"];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * The session a request names by header or by a listed alias.
 *
 * @throws GatewayError `conflicting_session_id` when two places name different ones
 */
export function namedSession(
  incoming: IncomingMessage,
  chat: ChatRequest,
  aliases: readonly SessionAlias[],
): string | undefined {
  if (aliases.length === 0) return sessionHeader(incoming);
  const names = [sessionHeader(incoming), ...aliases.map((alias) => aliasValue(incoming, chat, alias))];
  const given = names.filter((name) => name !== undefined);
  if (new Set(given).size > 1) throw new GatewayError("conflicting_session_id", "two places name different sessions");
  return given[0];
}

function aliasValue({ headers }: IncomingMessage, { fields }: ChatRequest, alias: SessionAlias): string | undefined {
  if (alias === "x-session-affinity") return asName(headers[alias]);
  if (alias === "metadata.session_id") {
    const { metadata } = fields;
    return asName(typeof metadata === "object" && metadata !== null ? Reflect.get(metadata, "session_id") : undefined);
  }
  return asName(fields[alias]);
}

const asName = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
