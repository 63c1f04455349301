import type { IncomingMessage } from "node:http";

/** Where below the upstream's base URL a request to `/v1/…` goes: its path and query as they were written. */
export function upstreamPath({ url = "" }: Pick<IncomingMessage, "url">): string {
  // RFC 9112 §3.2.2: a server must accept the absolute form that clients of a proxy send.
  const path = url.replace(/^https?:\/\/[^/?#]*/, "").replace(/^\/v1/, "");
  return path.startsWith("/") ? path : `/${path}`;
}
