/**
 * An OpenAI-compatible server that needs no key and no model, for the demo and the tests. It bills like OpenAI's prompt
 * cache, refuses what OpenAI refuses, and misbehaves on request: by the directives of `simulated-upstream/directives.ts`
 * in the last user message.
 *
 * From another process: POST /_script {"user", "reply"} or {"summaries"}; GET /_log; DELETE /_log[?cache=1].
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { handleRequest } from "./simulated-upstream/handle-request.ts";
import { sendError } from "./simulated-upstream/send.ts";
import { createWorld } from "./simulated-upstream/world.ts";

export interface SimulatedUpstreamOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Bearer or `api-key` values that are accepted; any caller is when absent. */
  readonly keys?: readonly string[];
  readonly countTokens?: (text: string) => number;
  readonly promptCache?: { readonly ttlMs?: number; readonly minimumTokens?: number; readonly stepTokens?: number };
  readonly latencyMs?: number;
  readonly tokenDelayMs?: number;
  readonly maxLoggedRequests?: number;
  /** Answers every request with one small fixed body, uncounted and unlogged: for measuring what stands in front. */
  readonly bare?: boolean;
  readonly now?: () => number;
}

export interface LoggedRequest {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly bytes: Buffer;
  /** Parsed, where the body is JSON. */
  readonly body: unknown;
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  /** The caller closed the connection before the answer was complete. */
  aborted: boolean;
}

export interface SimulatedUpstream {
  /** Base URL, with `/v1`. */
  readonly url: string;
  readonly port: number;
  /** Requests since the last reset, oldest first. */
  readonly log: readonly LoggedRequest[];
  /** Forgets log and scripts; the prompt cache only when asked to. */
  reset(options?: { readonly cache?: boolean }): void;
  /** Gives `reply` to every request whose last user message is `user`. */
  script(user: string, reply: string): void;
  /** Directives for requests that ask for a summary: those that old turns are quoted with are not obeyed there. */
  steerSummaries(directives: string): void;
  /** `[[error:STATUS]]` and `[[delay:MS]]` for requests that ask for vectors; of this text, where one is given. */
  steerEmbeddings(directives: string, text?: string): void;
  /** For vectors these words are one from now on, until the next reset. */
  makeSynonyms(...words: readonly string[]): void;
  close(): Promise<void>;
}

/** Starts the server on the loopback interface. */
export async function startSimulatedUpstream(options: SimulatedUpstreamOptions = {}): Promise<SimulatedUpstream> {
  const world = createWorld(options);
  const server = createServer((request, response) => {
    handleRequest(world, request, response).catch((error: unknown) => failRequest(response, error));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    port,
    log: world.log,
    reset: ({ cache = false } = {}) => world.reset(cache),
    script: (user, reply) => void world.scripts.set(user, reply),
    steerSummaries: (directives) => (world.summaryDirectives = directives),
    steerEmbeddings: (directives, text) => (world.embeddingSteering = { directives, text }),
    makeSynonyms: (...words) => words.forEach((word) => world.synonyms.set(word, words[0] ?? word)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function failRequest(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else sendError(response, `We could not parse the request: ${String(error)}`);
}
