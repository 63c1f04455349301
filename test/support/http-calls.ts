import type { LoggedRequest } from "../../src/demo/simulated-upstream.ts";
import type { TestGateway } from "./test-gateway.ts";

/** An answer with its body as the bytes that came. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
}

export interface WireRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as bearer; `undefined` sends no credential. */
  readonly key?: string | undefined;
  /** An object is printed as JSON, anything else goes as it is. */
  readonly body?: unknown;
}

/** A gateway that never answers fails its test, not the whole run. */
const NEVER_ANSWERED_MS = 55_000;

export const USER_KEY = "sk-test-user-1";

/** One request to a path below `/v1`, with the bytes of its answer. */
export async function send(gateway: TestGateway, path: string, request: WireRequest = {}): Promise<WireAnswer> {
  const { method = "GET", headers = {}, body } = request;
  const key = "key" in request ? request.key : USER_KEY;
  const isRaw = body === undefined || typeof body === "string" || body instanceof Buffer;
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: isRaw ? (body as string) : JSON.stringify(body) }),
    signal: AbortSignal.timeout(NEVER_ANSWERED_MS),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.toString("utf8");
  return { status: response.status, headers: response.headers, bytes, text, json: () => JSON.parse(text) };
}

export const sendChat = (gateway: TestGateway, body: unknown, request: WireRequest = {}): Promise<WireAnswer> =>
  send(gateway, "/chat/completions", { method: "POST", body, ...request });

/** A request on a session, by header. */
export const onSession = (id: string, headers: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  "x-session-id": id,
  ...headers,
});

export const ask = (text: string, fields: object = {}): object => ({
  model: "gpt-5",
  messages: [{ role: "user", content: text }],
  ...fields,
});

export interface WireError {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

interface SimpleMessage {
  readonly role: string;
  readonly content: unknown;
}

/** Messages as `role: text`, for expectations that read like a conversation. */
export const lines = (messages: readonly SimpleMessage[]): string[] =>
  messages.map(({ role, content }) => `${role}: ${typeof content === "string" ? content : JSON.stringify(content)}`);

/** Chat requests that reached the model, oldest first. */
export const chatsOf = ({ upstream }: TestGateway): LoggedRequest[] =>
  upstream.log.filter(({ path }) => path.startsWith("/v1/chat/completions"));

/** What the model was sent with the newest chat request. */
export function lastSent(gateway: TestGateway): string[] {
  const newest = chatsOf(gateway).at(-1);
  if (!newest) throw new Error("no model was asked");
  return lines((newest.body as { messages: SimpleMessage[] }).messages);
}

export interface StoredLine extends SimpleMessage {
  readonly id: string;
  readonly turn: number;
  readonly status: string;
  readonly [field: string]: unknown;
}

/** The stored transcript, read over the sessions API. */
export async function storedMessages(
  gateway: TestGateway,
  sessionId: string,
  request: WireRequest = {},
): Promise<StoredLine[]> {
  const answer = await send(gateway, `/sessions/${encodeURIComponent(sessionId)}/messages?limit=100`, request);
  if (answer.status !== 200) throw new Error(`no transcript: ${answer.status} ${answer.text}`);
  return answer.json<{ data: StoredLine[] }>().data;
}

export const transcript = async (gateway: TestGateway, sessionId: string, request: WireRequest = {}) =>
  lines(await storedMessages(gateway, sessionId, request));

let serial = 0;
/** Tests of one file share a gateway; each has a session of its own. */
export const freshSession = (): string => `session-${(serial += 1)}`;
