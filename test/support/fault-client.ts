import { type IncomingHttpHeaders, type IncomingMessage, request as openRequest } from "node:http";

/** One answer as it came over the wire, whole or not. */
export interface WireAnswer {
  /** 0 when no head came. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The data of each event, in order. */
  readonly events: readonly string[];
  /** Text of each SSE comment, in order. */
  readonly comments: readonly string[];
  /** False when the connection broke before the end of the answer. */
  readonly whole: boolean;
}

export interface Message {
  readonly role: string;
  readonly content: unknown;
  readonly [field: string]: unknown;
}

export interface Question {
  readonly session?: string;
  readonly key?: string;
  readonly user?: string;
  readonly messages: readonly Message[];
  readonly stream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further fields of the body. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Called with each event's data; true leaves at once. */
  readonly leaveAt?: (event: string, count: number) => boolean;
  readonly signal?: AbortSignal;
}

export interface WireRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly leaveAt?: Question["leaveAt"];
  readonly signal?: AbortSignal | undefined;
}

export const said = (content: string): Message => ({ role: "user", content });
export const answered = (content: string): Message => ({ role: "assistant", content });

/** Sends a chat completion; never rejects: whatever became of the connection is in the answer. */
export function ask(baseUrl: string, question: Question): Promise<WireAnswer> {
  const { messages, stream, fields, leaveAt, signal } = question;
  const body = JSON.stringify({ model: "gpt-5", messages, ...(stream && { stream }), ...fields });
  return send(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...callerHeaders(question), ...question.headers },
    body,
    ...(leaveAt && { leaveAt }),
    signal,
  });
}

export function callerHeaders({ session, key = "sk-user-1", user }: Pick<Question, "session" | "key" | "user">) {
  return {
    ...(key !== "" && { authorization: `Bearer ${key}` }),
    ...(session !== undefined && { "x-session-id": session }),
    ...(user !== undefined && { "x-user-id": user }),
  };
}

/** Taken apart by hand: a URL would fold dot segments and hide them from the gateway. */
function target(url: string): { host: string; port: string; path: string } {
  const [, host = "", port = "", path = ""] = /^http:\/\/([^/:]+):(\d+)(.*)$/.exec(url) ?? [];
  return { host, port, path: path || "/" };
}

/** Any request; never rejects. */
export function send(
  url: string,
  { method = "GET", headers, body, leaveAt, signal }: WireRequest,
): Promise<WireAnswer> {
  return new Promise((resolve) => {
    const request = openRequest({ ...target(url), method, ...(headers && { headers }), ...(signal && { signal }) });
    let answer: IncomingMessage | undefined;
    let text = "";
    let seen = 0;
    const settle = (whole: boolean): void => resolve(readAnswer(answer, text, whole));
    request.on("error", () => settle(false));
    request.on("response", (response) => {
      answer = response;
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (!leaveAt) return;
        const events = eventsOf(text);
        for (; seen < events.length; seen += 1) {
          if (leaveAt(events[seen] ?? "", seen + 1)) return void request.destroy();
        }
      });
      response.on("end", () => settle(response.complete));
      response.on("close", () => settle(response.complete));
    });
    // A string would be written together with the head, and turn the head's bytes into UTF-8.
    request.end(body === undefined ? undefined : Buffer.from(body));
  });
}

function readAnswer(response: IncomingMessage | undefined, body: string, whole: boolean): WireAnswer {
  const comments = wholeBlocks(body).filter((block) => block.startsWith(":"));
  return {
    status: response?.statusCode ?? 0,
    headers: response?.headers ?? {},
    body,
    events: eventsOf(body),
    comments: comments.map((block) => block.slice(1).trim()),
    whole,
  };
}

const wholeBlocks = (text: string): string[] => text.split("\n\n").slice(0, -1);

const eventsOf = (text: string): string[] =>
  wholeBlocks(text).flatMap((block) => {
    const lines = block.split("\n").filter((line) => line.startsWith("data:"));
    return lines.length > 0 ? [lines.map((line) => line.slice(5).trim()).join("\n")] : [];
  });

/** Text of the answer, streamed or not, as far as it came. */
export function textOf({ body, events }: WireAnswer): string {
  if (events.length === 0) return contentOf(parse(body), "message");
  return events.map((event) => contentOf(parse(event), "delta")).join("");
}

/** `error.code` of every error the answer holds, in its body or in its events. */
export function errorCodes({ body, events }: WireAnswer): unknown[] {
  const documents = events.length > 0 ? events : [body];
  return documents.map(parse).flatMap((document) => ("error" in document ? [memberOf(document["error"], "code")] : []));
}

const contentOf = (document: Record<string, unknown>, field: string): string => {
  const choices = document["choices"];
  const content = memberOf(memberOf(Array.isArray(choices) ? choices[0] : undefined, field), "content");
  return typeof content === "string" ? content : "";
};

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** The stored transcript: `role: text` of each message, with what is unfinished marked. Empty for no such session. */
export async function transcript(
  baseUrl: string,
  session: string,
  caller: Pick<Question, "key" | "user"> = {},
  encode: (id: string) => string = encodeURIComponent,
): Promise<string[]> {
  const lines: string[] = [];
  for (let after = ""; ;) {
    const url = `${baseUrl}/sessions/${encode(session)}/messages?limit=100${after}`;
    const { status, body } = await send(url, { headers: callerHeaders(caller) });
    if (status === 404) return [];
    if (status !== 200) throw new Error(`transcript: ${status} ${body}`);
    const page = JSON.parse(body) as { data: StoredMessage[]; last_id: string; has_more: boolean };
    lines.push(...page.data.map(describeMessage));
    if (!page.has_more) return lines;
    after = `&after=${page.last_id}`;
  }
}

interface StoredMessage {
  readonly role: string;
  readonly content: unknown;
  readonly status: string;
}

const describeMessage = ({ role, content, status }: StoredMessage): string =>
  `${role}: ${typeof content === "string" ? content : JSON.stringify(content)}${status === "complete" ? "" : " (incomplete)"}`;

/** How often the gateway said that it was degraded, by reason. */
export async function degradedCounts(origin: string): Promise<Record<string, number>> {
  const { body } = await send(`${origin}/metrics`, {});
  const lines = body.matchAll(/^stategate_degraded_total\{[^}]*stategate_reason="(\w+)"[^}]*\} (\d+)/gm);
  return Object.fromEntries([...lines].map(([, reason, count]) => [reason ?? "", Number(count)]));
}
