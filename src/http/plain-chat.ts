import type { IncomingMessage, ServerResponse } from "node:http";

import type { Log } from "../kit/log.ts";
import { errorAnswer } from "./error-response.ts";
import { requestIdOf } from "./middleware/request-id.ts";
import { refuseAmbiguousHeaders } from "./middleware/unambiguous-headers.ts";
import type { ChatHandler } from "./routes/chat-completions.ts";

interface PlainChatParts {
  readonly answer: ChatHandler;
  readonly maxBodyBytes: number;
  readonly log: Log;
}

/** False for what the router is to look at: the request was not touched. */
export type PlainChat = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

const plainHost = /^[\w.-]+(?::\d+)?$/;

/**
 * The way round the router for the request that nearly all are, which would spend a tenth of its time in there. Whatever
 * is unusual about one, such as a query, a body of unknown length or a host that must be looked at, goes the long way.
 */
export function createPlainChat({ answer, maxBodyBytes, log }: PlainChatParts): PlainChat {
  const isPlain = ({ method, url, headers }: IncomingMessage): boolean =>
    method === "POST" &&
    url === "/v1/chat/completions" &&
    Number(headers["content-length"] ?? Infinity) <= maxBodyBytes &&
    headers["content-encoding"] === undefined &&
    plainHost.test(headers.host ?? "");
  return (incoming, outgoing) => {
    if (!isPlain(incoming)) return false;
    const startedAt = performance.now();
    const requestId = requestIdOf(incoming);
    try {
      refuseAmbiguousHeaders(incoming);
      void answer({ incoming, outgoing, requestId, startedAt });
    } catch (error) {
      const { status, headers, body } = errorAnswer(error, requestId, log);
      outgoing.writeHead(status, headers).end(body);
    }
    return true;
  };
}
