/**
 * An upstream that costs as little as a server on node:http can: it reads requests to their end, looks only whether a
 * stream is to carry its bill, and answers at once with canned bytes. Run by the bench as a process of its own:
 *
 *   node bare-upstream.ts PORT
 *
 * `PUT /_form` with a `ReplyForm` chooses what it answers from then on.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { jsonReply, type ReplyForm, streamReply } from "./canned-replies.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let answer: Answer = answerJson;

const server = createServer((request, response) => {
  if (request.method === "PUT" && request.url === "/_form") return void changeForm(request, response);
  answer(request, response);
});
server.keepAliveTimeout = 0;
server.listen(Number(process.argv[2]), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));

async function changeForm(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const form = JSON.parse(Buffer.concat(await request.toArray()).toString()) as ReplyForm;
  answer = form.kind === "json" ? answerJson : streamer(form);
  response.writeHead(200, { "content-length": 0 }).end();
}

function answerJson(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  request.once("end", () =>
    response.writeHead(200, { "content-type": "application/json", "content-length": jsonReply.length }).end(jsonReply),
  );
}

/** One write per event, so that a gateway meets them as they come from a model: one by one. */
function streamer({ frames, paceMs }: ReplyForm & { kind: "stream" }): Answer {
  const [plain, billed] = [streamReply(frames, false), streamReply(frames, true)];
  const soon = paceMs === 0 ? setImmediate : (step: () => void) => setTimeout(step, paceMs);
  const stream = (events: readonly Buffer[], response: ServerResponse): void => {
    let next = 0;
    const step = (): void => {
      if (response.destroyed) return;
      response.write(events[next++]);
      if (next < events.length) soon(step);
      else response.end();
    };
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
    step();
  };
  return (request, response) => {
    const send = (body: readonly Buffer[]): void =>
      stream(Buffer.concat(body).includes('"include_usage":true') ? billed : plain, response);
    request.toArray().then(send, () => response.destroy());
  };
}
