import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";

import { createCorsHeaders } from "./cors.ts";
import { FramedResponse } from "./framed-response.ts";

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
  const ownVary = joinVary(undefined, varying);
  class GuardedResponse<Request extends IncomingMessage> extends FramedResponse<Request> {
    override writeHead(status: number, ...rest: HeadRest): this {
      const reason = typeof rest[0] === "string" ? rest[0] : undefined;
      const headers = answerHeaders(reason === undefined ? rest[0] : rest[1]);
      // What was set before is the gateway's own decision, and stands against what an upstream says.
      for (const name of this.getHeaderNames()) {
        if (isForOthers(name)) this.removeHeader(name);
        else headers[name] = this.getHeader(name);
      }
      const { vary } = headers;
      headers["cache-control"] = "no-store";
      headers["vary"] = vary === undefined ? ownVary : joinVary(vary, varying);
      const guarded = Object.assign(headers, corsHeaders(this.req));
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

/** By lower-case name, without what is for others to say. */
function answerHeaders(given: HeadRest[number]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  if (given === undefined || typeof given === "string") return headers;
  if (!Array.isArray(given)) {
    for (const key of Object.keys(given)) {
      const name = key.toLowerCase();
      if (!isForOthers(name)) headers[name] = given[key];
    }
    return headers;
  }
  for (let index = 0; index + 1 < given.length; index += 2) {
    const name = String(given[index]).toLowerCase();
    if (isForOthers(name)) continue;
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
