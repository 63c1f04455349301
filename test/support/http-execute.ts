import type { ServerResponse } from "node:http";

import type { CannedUpstream } from "./canned-upstream.ts";
import { onSession, sendChat, type WireAnswer } from "./http-calls.ts";
import type { ClientRequest, Execute } from "./play-script.ts";
import type { TestGateway } from "./test-gateway.ts";
import type { WireMessage } from "./wire-styles.ts";

const TAG = "x-test-tag";
const strategies = ["full", "window", "hybrid"];

export interface HttpExecutor {
  readonly execute: Execute;
  /** What the gateway said of each request, in the order in which they were begun. */
  readonly modes: readonly (string | null)[];
}

/** Lets scripts be played against a real gateway: requests that race are all read before the first is answered. */
export function createHttpExecutors(gateway: TestGateway, upstream: CannedUpstream) {
  const expected = new Map<string, (response: ServerResponse) => void>();
  let serial = 0;
  upstream.answer((response, { headers }) => {
    const reach = expected.get(String(headers[TAG]));
    if (reach) reach(response);
    else response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });

  return (sessionId: string): HttpExecutor => {
    const modes: (string | null)[] = [];
    /** Of the requests that race: that the model was asked, which is after the session was read. */
    let asked: Promise<ServerResponse>[] = [];
    let running = 0;
    let answering: Promise<unknown> = Promise.resolve();
    const execute: Execute = async (request) => {
      const tag = String((serial += 1));
      const place = modes.push(null) - 1;
      if (running === 0) asked = [];
      running += 1;
      const reached = new Promise<ServerResponse>((resolve) => expected.set(tag, resolve));
      const answered = sendChat(gateway, bodyOf(request), { headers: onSession(sessionId, headersOf(request, tag)) });
      const mine = Promise.race([reached, answered.then(refuseUnasked)]);
      asked.push(mine);
      try {
        // Those that race with this one are begun in the same breath, and are not in the list before it ends.
        await Promise.resolve();
        await Promise.all(asked);
        const response = await mine;
        const turn = answering.then(() => {
          writeAnswer(request, response);
          return answered;
        });
        answering = turn.then(noop, noop);
        const answer = await turn;
        modes[place] = answer.headers.get("x-history-mode");
        return heard(request, answer);
      } finally {
        running -= 1;
        expected.delete(tag);
      }
    };
    return { execute, modes };
  };
}

const noop = (): void => undefined;

function refuseUnasked({ status, text }: WireAnswer): never {
  throw new Error(`the model was not asked: ${status} ${text}`);
}

/** By its number without meaning a request chooses a strategy, and whether its answer is streamed. */
const streams = ({ ending, pick }: ClientRequest): boolean => ending === "partial" || pick % 2 === 0;
const bodyOf = (request: ClientRequest): object => ({
  model: "gpt-5",
  messages: request.messages,
  n: Math.max(1, request.wanted.length),
  stream: streams(request),
});
const headersOf = ({ mode, pick }: ClientRequest, tag: string): Record<string, string> => ({
  [TAG]: tag,
  "x-history-strategy": strategies[pick % strategies.length] ?? "",
  ...(mode !== "auto" && { "x-history-mode": mode }),
});

/** What a client keeps of an exchange; an answer of which nothing arrived is no part of the history. */
function heard({ wanted, ending }: ClientRequest, { status, text }: WireAnswer): readonly WireMessage[] | undefined {
  if (ending === "refused" && status !== 400) throw new Error(`expected a refusal, not ${status}`);
  if (ending !== "refused" && status !== 200) throw new Error(`unexpected ${status}: ${text}`);
  return ending === "refused" || ending === "nothing" ? undefined : wanted;
}

function writeAnswer(request: ClientRequest, response: ServerResponse): void {
  const { ending, wanted } = request;
  if (ending === "refused")
    return void response.writeHead(400, { "content-type": "application/json" }).end('{"error":{}}');
  if (!streams(request))
    return void response.writeHead(200, { "content-type": "application/json" }).end(plainAnswer(request));
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (index: number, delta: object, finish: string | null = null): void =>
    void response.write(`data: ${JSON.stringify({ id: "a", choices: [{ index, delta, finish_reason: finish }] })}\n\n`);
  for (const [index, message] of wanted.entries()) {
    send(index, { role: "assistant", content: message.content });
    const made = (message["tool_calls"] ?? []) as object[];
    for (const [at, call] of made.entries()) send(index, { tool_calls: [{ index: at, ...call }] });
  }
  if (ending !== "complete") return void response.end();
  for (const index of wanted.keys()) send(index, {}, "stop");
  response.end("data: [DONE]\n\n");
}

function plainAnswer({ ending, wanted }: ClientRequest): string {
  if (ending === "nothing") return "{}";
  const choices = wanted.map((message, index) => ({ index, message, finish_reason: "stop" }));
  return JSON.stringify({ id: "a", choices });
}
