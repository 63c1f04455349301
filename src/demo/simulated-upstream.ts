/**
 * An OpenAI-compatible server that needs no key and no model, for the demo and the tests. It bills like OpenAI's prompt
 * cache, refuses what OpenAI refuses, and misbehaves on request: directives in the last user message, several allowed.
 *
 *   [[len:N]] N words              [[echo]] the messages received, as JSON   [[tool:NAME]] a tool call; several run in parallel
 *   [[refuse]] a refusal           [[reason]] with reasoning                 [[finish:WHY]] another finish reason
 *   [[delay:MS]] before the head   [[slow:MS]] before each chunk             [[usage:none]] bills nothing
 *   [[error:STATUS]] OpenAI-shaped [[html]] a proxy's 502                    [[garbage]] a body that is not JSON, a frame that is not
 *   [[hang]] never answers         [[stall:N]] silent after N chunks         [[drop]] closes before the head
 *   [[cut:N]] closes after N       [[reset:N]] the same with a TCP RST       [[fail:N]] an error event after N chunks
 *   [[split]] bytes at odd places  [[chunked1]] single bytes                 [[crlf]] [[cr]] [[bom]] other framing
 *   [[heartbeat]] comments between [[nodone]] [[donetwice]]                  [[azure]] an empty first chunk
 *   [[shred]] pieces of 3 letters  [[quote]] tool calls that quote the last user message in their arguments
 *
 * From another process: POST /_script {"user", "reply"} or {"summaries"}; GET /_log; DELETE /_log[?cache=1].
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

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

interface SimulatedMessage {
  readonly role: string;
  readonly content?: string | null | readonly { readonly type: string; readonly text?: string }[];
  readonly tool_calls?: readonly { readonly id: string }[];
  readonly tool_call_id?: string;
  readonly [field: string]: unknown;
}

interface ChatBody {
  readonly model: string;
  readonly messages: readonly SimulatedMessage[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean } | null;
  readonly n?: number | null;
  readonly tools?: unknown;
}

interface World {
  readonly options: SimulatedUpstreamOptions;
  readonly countTokens: (text: string) => number;
  readonly bill: (body: ChatBody) => { promptTokens: number; cachedTokens: number };
  readonly scripts: Map<string, string>;
  summaryDirectives: string;
  embeddingSteering: { readonly directives: string; readonly text: string | undefined };
  readonly synonyms: Map<string, string>;
  readonly log: LoggedRequest[];
  readonly now: () => number;
  reset(cache: boolean): void;
  nextId(prefix: string): string;
}

interface Exchange {
  readonly world: World;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly entry: LoggedRequest;
}

/** Starts the server on the loopback interface. */
export async function startSimulatedUpstream(options: SimulatedUpstreamOptions = {}): Promise<SimulatedUpstream> {
  const world = createWorld(options);
  const server = createServer((request, response) => {
    handle(world, request, response).catch((error: unknown) => failRequest(response, error));
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

const unsteered: World["embeddingSteering"] = { directives: "", text: undefined };

function createWorld(options: SimulatedUpstreamOptions): World {
  const countTokens = options.countTokens ?? ((text: string) => Math.ceil(text.length / 4));
  const now = options.now ?? Date.now;
  const cache = createPromptCache(options, countTokens, now);
  const scripts = new Map<string, string>();
  const log: LoggedRequest[] = [];
  let serial = 0;
  return {
    options,
    countTokens,
    bill: cache.bill,
    scripts,
    summaryDirectives: "",
    embeddingSteering: unsteered,
    synonyms: new Map(),
    log,
    now,
    reset(withCache) {
      log.length = 0;
      scripts.clear();
      this.summaryDirectives = "";
      this.embeddingSteering = unsteered;
      this.synonyms.clear();
      if (withCache) cache.clear();
    },
    nextId: (prefix) => `${prefix}${++serial}`,
  };
}

// Billing

/** The longest run of whole messages that an earlier prompt began with is cached, from a minimum on, in steps. */
function createPromptCache(options: SimulatedUpstreamOptions, countTokens: World["countTokens"], now: () => number) {
  const { ttlMs = 300_000, minimumTokens = 1024, stepTokens = 128 } = options.promptCache ?? {};
  const prefixes = new Map<string, { readonly tokens: number; seenAt: number }>();
  const bill = ({ model, tools, messages }: ChatBody): { promptTokens: number; cachedTokens: number } => {
    const front = JSON.stringify([model, tools ?? null]);
    const hash = createHash("sha256").update(front);
    const at = now();
    let tokens = tools ? countTokens(JSON.stringify(tools)) : 0;
    let cached = 0;
    let unbroken = true;
    for (const message of messages) {
      const key = hash.update(JSON.stringify(message)).copy().digest("base64");
      const seen = prefixes.get(key);
      tokens = seen?.tokens ?? tokens + messageTokens(message, countTokens);
      unbroken &&= seen !== undefined && at - seen.seenAt <= ttlMs;
      if (unbroken) cached = tokens;
      prefixes.set(key, { tokens, seenAt: at });
    }
    const cachedTokens = cached < minimumTokens ? 0 : Math.floor(cached / stepTokens) * stepTokens;
    return { promptTokens: tokens + 3, cachedTokens };
  };
  return { bill, clear: () => prefixes.clear() };
}

/** After OpenAI's cookbook: three for the frame of a message, plus what it says. */
function messageTokens(message: SimulatedMessage, countTokens: World["countTokens"]): number {
  const calls = message.tool_calls ? countTokens(JSON.stringify(message.tool_calls)) : 0;
  return 3 + countTokens(message.role) + countTokens(textOf(message)) + calls;
}

function textOf(message: SimulatedMessage | undefined): string {
  const content = message?.content;
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.text ?? "").join("");
}

// Routes

async function handle(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  if (world.options.bare) return sendJson(response, 200, bareAnswer);
  const url = new URL(request.url ?? "/", "http://simulated");
  const bytes = Buffer.concat(pieces);
  if (url.pathname.startsWith("/_")) return control(world, request, response, { url, bytes });

  const entry = logRequest(world, request, bytes);
  response.on("close", () => (entry.aborted = !response.writableFinished));
  if (!isKnownCaller(world.options.keys, request))
    return sendError(response, 401, "Incorrect API key provided.", "invalid_api_key");
  const exchange: Exchange = { world, request, response, path: url.pathname, entry };
  return route(exchange);
}

function route(exchange: Exchange): Promise<void> | void {
  const { request, response, path } = exchange;
  if (path === "/v1/models") return sendJson(response, 200, modelList);
  if (request.method !== "POST") return sendError(response, 404, `Unknown request URL: ${path}`, "unknown_url");
  if (path === "/v1/chat/completions") return chat(exchange);
  if (path === "/v1/embeddings") return embeddings(exchange);
  return sendJson(response, 200, receipt(exchange));
}

/** What any other route answers: proof of the bytes that arrived. */
function receipt({ request, path, entry }: Exchange): object {
  const sha256 = createHash("sha256").update(entry.bytes).digest("hex");
  const contentType = request.headers["content-type"] ?? null;
  return { object: "simulated.receipt", path, content_type: contentType, bytes: entry.bytes.length, sha256 };
}

function control(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  { url, bytes }: { url: URL; bytes: Buffer },
): void {
  if (url.pathname === "/_script") {
    const { user, reply, summaries } = JSON.parse(bytes.toString()) as { [field: string]: string | undefined };
    if (user !== undefined && reply !== undefined) world.scripts.set(user, reply);
    if (summaries !== undefined) world.summaryDirectives = summaries;
  } else if (request.method === "DELETE") {
    world.reset(url.searchParams.has("cache"));
  } else {
    return sendJson(
      response,
      200,
      world.log.map(({ bytes: _bytes, ...entry }) => entry),
    );
  }
  sendJson(response, 200, {});
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

// Chat completions

async function chat(exchange: Exchange): Promise<void> {
  const { world, response, entry } = exchange;
  const problem = findProblem(entry.body);
  if (problem !== undefined) return sendError(response, 400, problem, null);
  const body = entry.body as ChatBody;
  const directives = readDirectives(wantsSummary(body) ? world.summaryDirectives : lastUserText(body));
  Object.assign(entry, world.bill(body));

  if (directives.has("hang")) return;
  if (directives.has("drop")) return void response.socket?.destroy();
  await sleep(directives.number("delay") ?? world.options.latencyMs ?? 0, undefined, { ref: false });
  if (failHead(response, directives, body.stream === true)) return;
  const answer = composeAnswer(exchange, body, directives);
  if (body.stream) await streamAnswer(exchange, body, { answer, directives });
  else sendJson(response, 200, plainAnswer(answer));
}

/** The first message alone tells, as for a model. */
const wantsSummary = ({ messages }: ChatBody): boolean =>
  messages[0]?.role === "system" && /summar/i.test(textOf(messages[0]));

const lastUserText = ({ messages }: ChatBody): string =>
  textOf(messages.findLast((message) => message.role === "user"));

interface Directives {
  has(name: string): boolean;
  all(name: string): readonly string[];
  number(name: string): number | undefined;
}

function readDirectives(text: string): Directives {
  const found = [...text.matchAll(/\[\[(\w+)(?::([^\]]*))?\]\]/g)];
  const all = (name: string): string[] => found.filter((match) => match[1] === name).map((match) => match[2] ?? "");
  return {
    has: (name) => all(name).length > 0,
    all,
    number: (name) => all(name).map(Number)[0],
  };
}

function failHead(response: ServerResponse, directives: Directives, stream: boolean): boolean {
  const status = directives.number("error");
  if (status !== undefined) sendError(response, status, `simulated ${status}`, "simulated");
  else if (directives.has("html"))
    sendText(response, 502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>");
  else if (directives.has("garbage") && !stream) sendText(response, 200, "application/json", '{"choices": [{"mess');
  else return false;
  return true;
}

const roles = new Set(["system", "developer", "user", "assistant", "tool", "function"]);

/** What OpenAI would refuse with 400, in its words. */
function findProblem(body: unknown): string | undefined {
  const { model, messages, n } = (body ?? {}) as Partial<Record<string, unknown>>;
  if (typeof model !== "string") return "you must provide a model parameter";
  if (!Array.isArray(messages)) return "Invalid type for 'messages': expected an array of objects.";
  if (messages.length === 0) return "Invalid 'messages': empty array. Expected an array with minimum length 1.";
  if (n !== undefined && n !== null && !(Number.isInteger(n) && Number(n) >= 1 && Number(n) <= 128))
    return "Invalid 'n'.";
  const malformed = messages.findIndex((message: unknown) => !isMessage(message));
  if (malformed !== -1) return `Invalid value for 'messages[${malformed}]'.`;
  return findOrphan(messages as readonly SimulatedMessage[]);
}

function isMessage(value: unknown): value is SimulatedMessage {
  if (typeof value !== "object" || value === null) return false;
  const message = value as SimulatedMessage;
  if (!roles.has(message.role)) return false;
  if (message.role === "tool" && typeof message.tool_call_id !== "string") return false;
  if (typeof message.content === "string" || Array.isArray(message.content)) return true;
  const stands = [message.tool_calls, message["function_call"], message["audio"], message["refusal"]];
  return message.role === "assistant" && (message.content ?? null) === null && stands.some((field) => field);
}

function findOrphan(messages: readonly SimulatedMessage[]): string | undefined {
  let unanswered = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      if (unanswered.delete(message.tool_call_id ?? "")) continue;
      return `Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'. (messages[${index}])`;
    }
    if (unanswered.size > 0) break;
    unanswered = new Set(message.tool_calls?.map((call) => call.id));
  }
  if (unanswered.size === 0) return undefined;
  return `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...unanswered].join(", ")}`;
}

interface Answer {
  readonly head: Readonly<Record<string, unknown>>;
  readonly content: string | null;
  readonly refusal: string | null;
  readonly reasoning: string | undefined;
  readonly calls: readonly { id: string; type: "function"; function: { name: string; arguments: string } }[];
  readonly finishReason: string;
  readonly choices: number;
  readonly usage: object | undefined;
}

function composeAnswer(exchange: Exchange, body: ChatBody, directives: Directives): Answer {
  const { world, entry } = exchange;
  const afterTool = body.messages.at(-1)?.role === "tool";
  const quoted = directives.has("quote") ? lastUserText(body) : undefined;
  const calls = (afterTool ? [] : directives.all("tool")).map((name) => ({
    id: world.nextId("call_"),
    type: "function" as const,
    function: { name, arguments: JSON.stringify({ query: quoted ?? "東京 😀" }) },
  }));
  const refusal = directives.has("refuse") ? "I can't help with that." : null;
  const content = calls.length > 0 || refusal !== null ? null : replyTo(world, body, directives);
  const choices = body.n ?? 1;
  entry.completionTokens = choices * world.countTokens(content ?? refusal ?? JSON.stringify(calls));
  return {
    head: {
      id: world.nextId("chatcmpl-sim"),
      created: Math.floor(world.now() / 1000),
      model: body.model,
      system_fingerprint: "fp_sim",
    },
    content,
    refusal,
    reasoning: directives.has("reason") ? "Thinking about it." : undefined,
    calls,
    finishReason: directives.all("finish")[0] ?? (calls.length > 0 ? "tool_calls" : "stop"),
    choices,
    usage: directives.all("usage").includes("none") ? undefined : usageOf(entry),
  };
}

function replyTo({ scripts }: World, body: ChatBody, directives: Directives): string {
  const text = lastUserText(body);
  const words = directives.number("len");
  const scripted = scripts.get(text);
  if (scripted !== undefined) return scripted;
  if (directives.has("echo")) return JSON.stringify(body.messages);
  if (words !== undefined) return Array.from({ length: words }, (_, index) => `word${index}`).join(" ");
  if (wantsSummary(body))
    return `Summary: ${text
      .replaceAll(/<[^>]*>/g, "")
      .trim()
      .slice(0, 600)}`;
  return `You said: ${text.slice(0, 400)} — naïve café 東京 😀`;
}

function usageOf({ promptTokens, cachedTokens, completionTokens }: LoggedRequest): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}

function plainAnswer({ head, content, refusal, reasoning, calls, finishReason, choices, usage }: Answer): object {
  const message = {
    role: "assistant",
    content,
    refusal,
    reasoning_content: reasoning,
    tool_calls: calls.length > 0 ? calls : undefined,
  };
  const choice = (index: number) => ({ index, message, logprobs: null, finish_reason: finishReason });
  return {
    ...head,
    object: "chat.completion",
    choices: Array.from({ length: choices }, (_, index) => choice(index)),
    usage,
  };
}

// Streaming

interface Chunk {
  readonly data: object;
  /** Counts towards `[[cut:N]]` and its kind. */
  readonly isPiece: boolean;
}

interface Stream {
  readonly answer: Answer;
  readonly directives: Directives;
}

async function streamAnswer(
  { world, response }: Exchange,
  body: ChatBody,
  { answer, directives }: Stream,
): Promise<void> {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    ...commonHeaders(),
  });
  const write = createEventWriter(response, directives);
  const delayMs = directives.number("slow") ?? world.options.tokenDelayMs ?? 0;
  let pieces = 0;
  if (directives.has("garbage")) await write('{"choices": [{"delta": {"con');
  for (const { data, isPiece } of chunksOf(answer, body, directives)) {
    if (response.destroyed) return;
    if (isPiece && (await breakOff(response, directives, pieces++))) return;
    if (delayMs > 0) await sleep(delayMs, undefined, { ref: false });
    await write(JSON.stringify(data));
  }
  for (let times = directives.has("nodone") ? 0 : directives.has("donetwice") ? 2 : 1; times > 0; times--)
    await write("[DONE]");
  response.end();
}

function* chunksOf({ head, usage, ...answer }: Answer, body: ChatBody, directives: Directives): Generator<Chunk> {
  const withUsage = body.stream_options?.include_usage === true && usage !== undefined;
  const wrap = (choices: readonly object[]) => ({
    ...head,
    object: "chat.completion.chunk",
    choices,
    ...(withUsage && { usage: null }),
  });
  const each = function* (delta: object, finishReason: string | null, isPiece: boolean): Generator<Chunk> {
    for (let index = 0; index < answer.choices; index++) {
      yield { data: wrap([{ index, delta, logprobs: null, finish_reason: finishReason }]), isPiece };
    }
  };
  if (directives.has("azure"))
    yield {
      data: { id: "", object: "", created: 0, model: "", choices: [], prompt_filter_results: [] },
      isPiece: false,
    };
  yield* each({ role: "assistant", content: answer.calls.length > 0 ? null : "", refusal: null }, null, false);
  if (answer.reasoning !== undefined) yield* each({ reasoning_content: answer.reasoning }, null, false);
  const pieces = directives.has("shred") ? /[\s\S]{1,3}/gu : /\s*\S+|\s+$/gu;
  for (const piece of answer.content?.match(pieces) ?? []) yield* each({ content: piece }, null, true);
  for (const piece of answer.refusal?.match(/\s*\S+/gu) ?? []) yield* each({ refusal: piece }, null, true);
  for (const call of callDeltas(answer.calls)) yield* each({ tool_calls: [call] }, null, true);
  yield* each({}, answer.finishReason, false);
  if (withUsage) yield { data: { ...wrap([]), usage }, isPiece: false };
}

/** Id and name first, then the arguments in pieces, those of parallel calls in turn. */
function* callDeltas(calls: Answer["calls"]): Generator<object> {
  for (const [index, call] of calls.entries()) {
    yield { index, id: call.id, type: call.type, function: { name: call.function.name, arguments: "" } };
  }
  const pieces = calls.map((call) => call.function.arguments.match(/[\s\S]{1,5}/gu) ?? []);
  for (let at = 0; pieces.some((list) => at < list.length); at++) {
    for (const [index, list] of pieces.entries()) {
      if (list[at] !== undefined) yield { index, function: { arguments: list[at] } };
    }
  }
}

/** True when the stream ends here without its end. */
async function breakOff(response: ServerResponse, directives: Directives, pieces: number): Promise<boolean> {
  const fault = ["cut", "reset", "stall", "fail"].find((name) => directives.number(name) === pieces);
  if (fault === undefined) return false;
  // What was written must leave first; a reset even discards what the other side has not read yet.
  await sleep(fault === "reset" ? 20 : 0);
  if (fault === "cut") response.destroy();
  if (fault === "reset") response.socket?.resetAndDestroy();
  if (fault === "fail")
    response.end(`data: ${JSON.stringify(errorBody("simulated failure", "server_error", null))}\n\n`);
  return true;
}

function createEventWriter(response: ServerResponse, directives: Directives): (data: string) => Promise<void> {
  const lineEnd = directives.has("cr") ? "\r" : directives.has("crlf") ? "\r\n" : "\n";
  const step = directives.has("chunked1") ? 1 : directives.has("split") ? 7 : Number.POSITIVE_INFINITY;
  const before = directives.has("heartbeat") ? `: keep-alive${lineEnd}${lineEnd}` : "";
  let mark = directives.has("bom") ? "\uFEFF" : "";
  return async (data) => {
    const bytes = Buffer.from(`${mark}${before}data: ${data}${lineEnd}${lineEnd}`);
    mark = "";
    for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
      if (!response.write(bytes.subarray(at, at + step))) await drained(response);
      if (step < bytes.length) await nextTurn();
    }
  };
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

// Embeddings

async function embeddings({ world, response, entry }: Exchange): Promise<void> {
  const body = (entry.body ?? {}) as {
    model?: string;
    input?: string | string[];
    dimensions?: number;
    encoding_format?: string;
  };
  if (body.input === undefined) return sendError(response, 400, "you must provide an input", null);
  const inputs = [body.input].flat();
  const { directives: steering, text: steered } = world.embeddingSteering;
  const directives = readDirectives(steered === undefined || inputs.includes(steered) ? steering : "");
  await sleep(directives.number("delay") ?? 0, undefined, { ref: false });
  if (failHead(response, directives, false)) return;
  const vectors = inputs.map((text) => embed(String(text), body.dimensions ?? 1536, world.synonyms));
  const encode = (vector: Float32Array) =>
    body.encoding_format === "base64" ? Buffer.from(vector.buffer).toString("base64") : [...vector];
  entry.promptTokens = inputs.reduce((sum, text) => sum + world.countTokens(String(text)), 0);
  const data = vectors.map((vector, index) => ({ object: "embedding", index, embedding: encode(vector) }));
  const usage = { prompt_tokens: entry.promptTokens, total_tokens: entry.promptTokens };
  sendJson(response, 200, { object: "list", model: body.model, data, usage });
}

/** A unit vector of hashed word stems: texts that share words are near each other. */
function embed(text: string, dimensions: number, synonyms: ReadonlyMap<string, string>): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const spoken of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const word = synonyms.get(spoken) ?? spoken;
    const digest = createHash("md5")
      .update(word.replace(/(?:ing|ed|ly|es|s)$/u, ""))
      .digest();
    const slot = digest.readUInt32LE(0) % dimensions;
    vector[slot] = (vector[slot] ?? 0) + (digest.readUInt8(4) % 2 === 0 ? 1 : -1) * (word.length > 3 ? 1 : 0.2);
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

// Answers

const modelList = {
  object: "list",
  data: ["gpt-4o", "gpt-4o-mini", "gpt-5", "text-embedding-3-small"].map((id) => ({
    id,
    object: "model",
    created: 1,
    owned_by: "simulated",
  })),
};

const bareAnswer = {
  id: "chatcmpl-sim",
  object: "chat.completion",
  created: 1,
  model: "simulated",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "A short answer of a few plain words.", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 200, completion_tokens: 9, total_tokens: 209 },
};

const commonHeaders = (): Record<string, string> => ({
  "x-request-id": `req_${createHash("md5").update(String(performance.now())).digest("hex")}`,
  "openai-processing-ms": "1",
  "x-ratelimit-limit-requests": "10000",
  "x-ratelimit-remaining-requests": "9999",
});

const errorBody = (message: string, type: string, code: string | null) => ({
  error: { message, type, param: null, code },
});

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response
    .writeHead(status, {
      "content-type": "application/json",
      "content-length": bytes.length,
      ...commonHeaders(),
      ...headers,
    })
    .end(bytes);
}

function sendText(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { "content-type": contentType, ...commonHeaders() }).end(text);
}

function sendError(response: ServerResponse, status: number, message: string, code: string | null): void {
  const type = status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
  const retry: Record<string, string> =
    status === 429 || status >= 500 ? { "retry-after": "1", "retry-after-ms": "1000" } : {};
  sendJson(response, status, errorBody(message, type, code), retry);
}

function failRequest(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else sendError(response, 400, `We could not parse the request: ${String(error)}`, null);
}
