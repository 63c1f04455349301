import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

import type { LoggedRequest } from "../simulated-upstream.ts";
import { answerChat } from "./answer-chat.ts";
import { answerEmbeddings } from "./answer-embeddings.ts";
import { control } from "./control.ts";
import { bareAnswer, modelList } from "./fixed-answers.ts";
import { sendError, sendJson } from "./send.ts";
import type { Exchange, World } from "./world.ts";

/** Reads a request whole, logs it and answers it. */
export async function handleRequest(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  if (world.options.bare) return sendJson(response, bareAnswer);
  const url = new URL(request.url ?? "/", "http://simulated");
  const bytes = Buffer.concat(pieces);
  if (url.pathname.startsWith("/_")) return control(world, response, { method: request.method, url, bytes });

  const entry = logRequest(world, request, bytes);
  response.on("close", () => (entry.aborted = !response.writableFinished));
  if (!isKnownCaller(world.options.keys, request))
    return sendError(response, "Incorrect API key provided.", { status: 401, code: "invalid_api_key" });
  const exchange: Exchange = { world, request, response, path: url.pathname, entry };
  return route(exchange);
}

function route(exchange: Exchange): Promise<void> | void {
  const { request, response, path } = exchange;
  if (path === "/v1/models") return sendJson(response, modelList);
  if (request.method !== "POST")
    return sendError(response, `Unknown request URL: ${path}`, { status: 404, code: "unknown_url" });
  if (path === "/v1/chat/completions") return answerChat(exchange);
  if (path === "/v1/embeddings") return answerEmbeddings(exchange);
  return sendJson(response, receipt(exchange));
}

/** What any other route answers: proof of the bytes that arrived. */
function receipt({ request, path, entry }: Exchange): object {
  const sha256 = createHash("sha256").update(entry.bytes).digest("hex");
  const contentType = request.headers["content-type"] ?? null;
  return { object: "simulated.receipt", path, content_type: contentType, bytes: entry.bytes.length, sha256 };
}

function logRequest(world: World, request: IncomingMessage, bytes: Buffer): LoggedRequest {
  const isJson = request.headers["content-type"]?.includes("json") ?? false;
  const entry: LoggedRequest = {
    at: world.now(),
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers: request.headers,
    bytes,
    body: isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined,
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    aborted: false,
  };
  world.log.push(entry);
  if (world.log.length > (world.options.maxLoggedRequests ?? 20_000)) world.log.shift();
  return entry;
}

function isKnownCaller(keys: readonly string[] | undefined, { headers }: IncomingMessage): boolean {
  if (keys === undefined) return true;
  const key = headers["api-key"] ?? headers.authorization?.replace(/^Bearer /, "");
  return typeof key === "string" && keys.includes(key);
}
