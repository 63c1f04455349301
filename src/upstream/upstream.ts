import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";

export interface UpstreamRequest {
  readonly method: string;
  /** Path below the base URL with its query, e.g. `/chat/completions`. */
  readonly path: string;
  /** The client's headers; hop-by-hop and gateway headers are dropped by the upstream itself. */
  readonly headers: IncomingHttpHeaders;
  /** Buffers are sent with a content length; a stream is piped, its own content-length header kept. */
  readonly body: readonly Buffer[] | Readable | undefined;
}

/** Called in order: `onHead` once, `onData` any number of times, then exactly one of `onEnd` and `onError`. */
export interface UpstreamHandler {
  onHead(head: UpstreamHead): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** GatewayError `upstream_unreachable`, `upstream_timeout` or `upstream_cut`; not called after `abort`. */
  onError(error: Error): void;
}

export interface UpstreamHead {
  readonly status: number;
  /** As received, lower-case names, without hop-by-hop headers. */
  readonly headers: Readonly<Record<string, string | string[]>>;
}

export interface UpstreamCall {
  abort(): void;
  /** Stops reading from the upstream's socket until `resume`. */
  pause(): void;
  resume(): void;
}

/** The OpenAI-compatible server behind the gateway. A request can never choose the host. Redirects are not followed. */
export interface Upstream {
  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall;
  /** True for a status below 500 from `GET /models` with this credential; 401 and 403 say false in `accepted`. */
  checkCredential(headers: IncomingHttpHeaders): Promise<{ readonly accepted: boolean }>;
  /** Resolves when the host answers at all. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
