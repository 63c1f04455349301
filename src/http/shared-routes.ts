import type { IncomingMessage } from "node:http";

import type { AuditLog } from "../audit/audit-log.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { ChatRequest } from "../protocol/chat-request.ts";
import { namesKey } from "../protocol/names-key.ts";
import { upstreamPath } from "./upstream-path.ts";

/** What may pass where all callers share the upstream account of the gateway's own key. */
export interface SharedRoutes {
  /** @throws GatewayError `route_not_shared` for what names, or may name, objects that the account stores */
  checkRoute(incoming: AskedRoute, asker: Asker): void;
  /** @throws GatewayError `route_not_shared` for a chat request that stores its answer or names a stored file */
  checkChat(chat: ChatRequest, asker: Asker): void;
}

/** What says where a request goes, as it was sent. */
type AskedRoute = Pick<IncomingMessage, "method" | "url" | "headers">;

/** Whose attempt is noted. */
interface Asker {
  readonly owner: string;
  readonly address: string;
}

interface Route {
  readonly method: string;
  /** `*` stands for one segment. */
  readonly segments: readonly string[];
}

/** They work on what the request brings, and leave nothing behind for others to find. */
const statelessRoutes = [
  "POST /chat/completions",
  "POST /completions",
  "POST /embeddings",
  "POST /moderations",
  "POST /audio/speech",
  "POST /audio/transcriptions",
  "POST /audio/translations",
  "POST /images/generations",
  "POST /images/edits",
  "POST /images/variations",
  "GET /models",
  "GET /models/*",
];

/** A JSON body could name stored files instead of bringing one. */
const uploadRoutes = ["/audio/transcriptions", "/audio/translations", "/images/edits", "/images/variations"];

/** @param listed `METHOD /path` of `upstream.sharedRoutes`, which pass unchecked: the operator answers for them */
export function createSharedRoutes(listed: readonly string[], audit: AuditLog): SharedRoutes {
  const refuse = (what: string, { owner, address }: Asker): never => {
    audit.record({ event: "authz_fail", owner, address, reason: "route_not_shared" });
    throw new GatewayError("route_not_shared", what);
  };
  const own = statelessRoutes.map(parseRoute);
  const more = listed.map(parseRoute);
  return {
    checkRoute(incoming, asker) {
      const { method = "GET" } = incoming;
      // Never decoded, folded or trimmed: what is compared is what will be sent, and what is written otherwise is refused.
      const path = upstreamPath(incoming).split("?", 1)[0] ?? "";
      if (more.some((route) => matches(route, method, path))) return;
      if (!own.some((route) => matches(route, method, path))) refuse("a route that is not shared", asker);
      if (uploadRoutes.includes(path) && !isUpload(incoming)) refuse("an upload route without an upload", asker);
    },
    checkChat({ fields, messages }, asker) {
      const stores = Object.entries(fields).some(([name, value]) => name.toLowerCase() === "store" && Boolean(value));
      if (stores) refuse("a chat request that stores its answer", asker);
      const isParts = ({ message }: ChatRequest["messages"][number]): boolean => Array.isArray(message.content);
      if (messages.some((one) => isParts(one) && namesKey(one.bytes, "file_id"))) {
        refuse("a chat request that names a stored file", asker);
      }
    },
  };
}

function parseRoute(text: string): Route {
  const [method = "", path = ""] = text.split(" ");
  return { method, segments: path.split("/") };
}

/** What every server reads as one plain name: no escapes, no dots that climb. */
const PLAIN_SEGMENT = /^(?!\.{1,2}$)[\w.:@-]+$/;

function matches({ method, segments }: Route, givenMethod: string, path: string): boolean {
  const given = path.split("/");
  if (method !== givenMethod || given.length !== segments.length) return false;
  return segments.every((segment, index) =>
    segment === "*" ? PLAIN_SEGMENT.test(given[index] ?? "") : segment === given[index],
  );
}

const isUpload = ({ headers }: AskedRoute): boolean => /^multipart\/form-data *;/i.test(headers["content-type"] ?? "");
