import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from "node:http";

import { createCorsHeaders } from "./cors.ts";

export interface AnswerPolicy {
  /** Request headers by which an answer is somebody's own. */
  readonly credentialHeaders: readonly string[];
  /** Origins whose pages may call the gateway. */
  readonly corsOrigins: readonly string[];
}

type HeadRest = readonly (string | OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined)[];

/**
 * The response class of the server. Whatever writes an answer, and whatever an upstream said about it: no cache keeps
 * it, and only listed origins may read it. One place, so that no route can forget it.
 */
export function guardedResponse({ credentialHeaders, corsOrigins }: AnswerPolicy): typeof ServerResponse {
  const corsHeaders = createCorsHeaders(corsOrigins);
  const varying = corsOrigins.length > 0 ? [...credentialHeaders, "Origin"] : credentialHeaders;
  class GuardedResponse<Request extends IncomingMessage> extends ServerResponse<Request> {
    override writeHead(status: number, ...rest: HeadRest): this {
      const reason = typeof rest[0] === "string" ? rest[0] : undefined;
      const given = byName(reason === undefined ? rest[0] : rest[1]);
      // What was set before is the gateway's own decision, and stands against what an upstream says.
      const headers = { ...given, ...this.getHeaders() };
      for (const name of Object.keys(headers)) {
        if (!isForOthers(name)) continue;
        delete headers[name];
        this.removeHeader(name);
      }
      const guarded = {
        ...headers,
        "cache-control": "no-store",
        vary: joinVary(headers["vary"], varying),
        ...corsHeaders(this.req),
      };
      return reason === undefined ? super.writeHead(status, guarded) : super.writeHead(status, reason, guarded);
    }
  }
  return GuardedResponse;
}

/** Permissions that are not the upstream's to give: to caches (RFC 9213 has some for each kind) and to browsers. */
const isForOthers = (name: string): boolean =>
  name.startsWith("access-control-") ||
  name.endsWith("cache-control") ||
  name === "surrogate-control" ||
  name === "expires" ||
  name === "pragma";

function byName(given: HeadRest[number]): OutgoingHttpHeaders {
  if (given === undefined || typeof given === "string") return {};
  if (!Array.isArray(given)) {
    return Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  }
  const headers: Record<string, OutgoingHttpHeader> = {};
  for (let index = 0; index + 1 < given.length; index += 2) {
    const name = String(given[index]).toLowerCase();
    const value = given[index + 1] ?? "";
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat().map(String);
  }
  return headers;
}

/** An upstream's own reasons to vary stay. */
function joinVary(given: OutgoingHttpHeader | undefined, ours: readonly string[]): string {
  const names = [given ?? []].flat().flatMap((value) => String(value).split(","));
  const all = [...names.map((name) => name.trim()).filter(Boolean), ...ours];
  return [...new Map(all.map((name) => [name.toLowerCase(), name])).values()].join(", ");
}
