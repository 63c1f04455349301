/** What one simulated client sends, request after request. */
export interface RequestSource {
  next(): Buffer;
}

export interface ChatClient {
  /** Credentials and sessions are per client: `Authorization: Bearer bench-<client>`. */
  readonly client: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: boolean;
}

const TURNS_PER_SESSION = 10;
const MODEL = "gpt-4o-mini";

/** Session names must differ between the sources of one run, even when they are made for the same client. */
let sessionSerial = 0;

/** A client of a gateway without memory: every request a short message on its own. */
export function messagesAlone({ client, headers, stream }: ChatClient): RequestSource {
  const head = requestHead({ ...headers, authorization: `Bearer bench-${client}` });
  let turn = 0;
  return { next: () => request(head, chatBody([userMessage(++turn)], stream)) };
}

/** A client in delta mode: only the new message, and a new session every ten turns. */
export function messagesInSessions({ client, headers, stream }: ChatClient): RequestSource {
  const common = { ...headers, authorization: `Bearer bench-${client}` };
  let head = "";
  let turn = 0;
  return {
    next() {
      if (turn % TURNS_PER_SESSION === 0) head = requestHead({ ...common, "x-session-id": newSessionName(client) });
      return request(head, chatBody([userMessage(++turn)], stream));
    },
  };
}

/** A client in delta mode that stays in one session. */
export function messagesInSession(session: string, { client, headers, stream }: ChatClient): RequestSource {
  return messagesAlone({ client, headers: { ...headers, "x-session-id": session }, stream });
}

export const newSessionName = (client: number): string => `bench-${client}-${++sessionSerial}`;

export interface Message {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** One request as it goes over the wire. */
export function chatRequest(headers: Readonly<Record<string, string>>, messages: readonly Message[]): Buffer {
  return request(requestHead(headers), chatBody(messages, false));
}

export const getRequest = (path: string): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);

const userMessage = (turn: number): Message => ({
  role: "user",
  content: `Question ${turn}: of the two routes we compared, which would you take in winter, and why? Two sentences.`,
});

const chatBody = (messages: readonly Message[], stream: boolean): string =>
  JSON.stringify({ model: MODEL, stream, messages });

function requestHead(headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${lines.join("")}`;
}

const request = (head: string, body: string): Buffer =>
  Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
