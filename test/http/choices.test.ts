import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { type CannedUpstream, startCannedUpstream } from "../support/canned-upstream.ts";
import { ask, freshSession, lines, onSession, sendChat, transcript } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let upstream: CannedUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startCannedUpstream();
  gateway = await startTestGateway({ env: { STATEGATE_UPSTREAM_URL: upstream.url } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
beforeEach(() => {
  // Choice k of `n` says "red", "green", "blue"; a credential check is answered as well.
  upstream.answer((response, { body, url }) => {
    const request = (url.endsWith("/models") ? { n: 0 } : JSON.parse(body.toString())) as {
      n?: number;
      stream?: boolean;
    };
    const colours = ["red", "green", "blue"].slice(0, request.n ?? 1);
    if (!request.stream) {
      const choices = colours.map((content, index) => ({
        index,
        message: { role: "assistant", content },
        finish_reason: "stop",
      }));
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ id: "a", choices }));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const write = (choice: object): void =>
      void response.write(`data: ${JSON.stringify({ id: "a", choices: [choice] })}\n\n`);
    // As providers do: letter by letter, the choices in turn, the last one first.
    for (let at = 0; at < 5; at += 1) {
      for (const [index, colour] of [...colours.entries()].toReversed()) {
        if (colour[at]) write({ index, delta: { content: colour[at] }, finish_reason: null });
      }
    }
    for (const index of colours.keys()) write({ index, delta: {}, finish_reason: "stop" });
    response.end("data: [DONE]\n\n");
  });
});

const replay = (answer: string): object => ({
  model: "gpt-5",
  messages: [
    { role: "user", content: "a colour?" },
    { role: "assistant", content: answer },
    { role: "user", content: "why?" },
  ],
});
const lastMessages = () =>
  lines(
    (
      JSON.parse(upstream.requests.findLast(({ method }) => method === "POST")?.body.toString() ?? "") as {
        messages: [];
      }
    ).messages,
  );

describe.each([false, true])("an answer of three choices (stream: %s)", (stream) => {
  it.each(["red", "green", "blue"])("goes on from the one that the client replays: %s", async (colour) => {
    const session = freshSession();
    await sendChat(gateway, ask("a colour?", { n: 3, stream }), { headers: onSession(session) });
    const { headers } = await sendChat(gateway, replay(colour), { headers: onSession(session) });
    expect(headers.get("x-history-mode")).toBe("replay");
    expect(await transcript(gateway, session)).toEqual([
      "user: a colour?",
      `assistant: ${colour}`,
      "user: why?",
      "assistant: red",
    ]);
  });

  it("goes on from the first for a client that replays nothing", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("a colour?", { n: 3, stream }), { headers: onSession(session) });
    await sendChat(gateway, ask("why?"), { headers: onSession(session) });
    expect(lastMessages()).toEqual(["user: a colour?", "assistant: red", "user: why?"]);
  });

  it("keeps the choice that was made when the gateway restarts", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("a colour?", { n: 3, stream }), { headers: onSession(session) });
    await sendChat(gateway, replay("green"), { headers: onSession(session) });
    await gateway.restart();
    await sendChat(gateway, ask("sure?"), { headers: onSession(session, { "x-history-mode": "delta" }) });
    expect(lastMessages()).toEqual([
      "user: a colour?",
      "assistant: green",
      "user: why?",
      "assistant: red",
      "user: sure?",
    ]);
  });
});
