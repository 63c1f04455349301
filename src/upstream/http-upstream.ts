import { createRequire } from "node:module";
import { Readable } from "node:stream";

import type { Client as UndiciClient, Dispatcher, Pool as UndiciPool } from "undici";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Secret } from "../kit/secret.ts";
import { type Connection, Exchange } from "./exchange.ts";
import { credentialHeaders, requestHeaders } from "./upstream-headers.ts";
import type { Upstream, UpstreamHandler, UpstreamRequest } from "./upstream.ts";

export interface HttpUpstreamOptions {
  /** For example `https://api.openai.com/v1`. A query, such as Azure's `?api-version=`, is added to every request. */
  readonly baseUrl: string;
  readonly timeouts: {
    readonly connectMs: number;
    /** From the sent request to the head of the answer. */
    readonly firstByteMs: number;
    /** Between two pieces of an answer's body. */
    readonly idleMs: number;
  };
  /** Sent in the place of the caller's credential. */
  readonly apiKey?: Secret;
  /** Requests beyond it wait for a free connection. */
  readonly maxConnections: number;
}

/** Past undici's index, which loads its `fetch`, WebSocket and caches too: 70 files that every start would wait for. */
const require = createRequire(import.meta.url);
const Client = require("undici/lib/dispatcher/client.js") as typeof UndiciClient;
const Pool = require("undici/lib/dispatcher/pool.js") as typeof UndiciPool;

const KEEP_ALIVE_MS = 30_000;
const MAX_PROBE_BYTES = 1 << 20;

/** Opens the connection pool to one OpenAI-compatible server. `close` cuts what still runs. */
export function openHttpUpstream({ baseUrl, timeouts, apiKey, maxConnections }: HttpUpstreamOptions): Upstream {
  const base = new URL(baseUrl);
  const pool = new Pool(base.origin, {
    connections: maxConnections,
    pipelining: 1,
    // Over TLS undici 8 would negotiate HTTP/2, whose idle sessions it does not reap (nodejs/undici#5381).
    allowH2: false,
    connectTimeout: timeouts.connectMs,
    headersTimeout: timeouts.firstByteMs,
    bodyTimeout: timeouts.idleMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    factory: (origin, options) => new CountingClient(origin, options),
  });

  const start = (options: Dispatcher.DispatchOptions, handler: UpstreamHandler): Exchange => {
    const repeatable = !(options.body instanceof Readable);
    const dispatch = (exchange: Exchange): void => void pool.dispatch(options, exchange);
    const exchange = new Exchange({ handler, dispatch, repeatable, isShared: apiKey !== undefined });
    dispatch(exchange);
    return exchange;
  };
  const probe = (headers: string[]): Promise<number> =>
    new Promise((resolve, reject) => {
      let bytes = 0;
      const call = start(
        { method: "GET", path: pathBelow(base, "/models"), headers },
        {
          onHead: ({ status }) => resolve(status),
          // Reading to the end keeps the connection; an endless body is not worth one.
          onData: (chunk) => (bytes += chunk.length) > MAX_PROBE_BYTES && call.abort(),
          onEnd: () => undefined,
          onError: reject,
        },
      );
    });

  return {
    send(request, handler) {
      const headers = requestHeaders(request.headers, { apiKey, keepContentLength: request.body instanceof Readable });
      const path = pathBelow(base, request.path);
      return start({ method: request.method, path, headers, body: joinBody(request.body) }, handler);
    },
    async checkCredential(headers) {
      const status = await probe(credentialHeaders(headers));
      if (status >= 500) throw new GatewayError("upstream_unreachable", `credential check ended in status ${status}`);
      return { accepted: status !== 401 && status !== 403 };
    },
    async ping() {
      await probe(requestHeaders({}, { apiKey, keepContentLength: false }));
    },
    close: () => pool.destroy(),
  };
}

/** Tells each request how often its socket was used before. */
class CountingClient extends Client {
  readonly #connection: Connection = { uses: 0 };

  constructor(origin: URL, options: UndiciClient.Options) {
    super(origin, options);
    this.on("connect", () => (this.#connection.uses = 0));
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (handler instanceof Exchange) handler.connection = this.#connection;
    return super.dispatch(options, handler);
  }
}

/** One buffer leaves together with the head in one write, which costs less than the copy of a list's parts. */
function joinBody(body: UpstreamRequest["body"]): Buffer | Readable | null {
  if (body === undefined || body instanceof Readable) return body ?? null;
  return body.length === 1 ? (body[0] ?? null) : Buffer.concat(body);
}

const dotSegment = /(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\?#]|$)/i;

/** A path that climbs out of the base URL could reach what the base was meant to fence off. */
function pathBelow(base: URL, path: string): string {
  if (!path.startsWith("/")) throw new TypeError("an upstream path starts with a slash");
  if (dotSegment.test(path.split("?", 1)[0] ?? "")) throw new GatewayError("not_found", "path with dot segments");
  const root = base.pathname.replace(/\/+$/, "");
  if (base.search === "") return root + path;
  return `${root}${path}${path.includes("?") ? "&" : "?"}${base.search.slice(1)}`;
}
