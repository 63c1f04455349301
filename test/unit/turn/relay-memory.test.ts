import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { relayAnswer } from "../../../src/turn/relay-answer.ts";
import type { Upstream, UpstreamHandler } from "../../../src/upstream/upstream.ts";

const MEGABYTE = 1 << 20;
const STREAM_BYTES = 12 * MEGABYTE;
const CLIENTS = 3;
const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "gpt-4o-mini-2024-07-18" };
const frame = Buffer.from(
  `data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta: { content: " four" }, logprobs: null, finish_reason: null }] })}\n\n`,
);

let server: Server;
const sockets: Socket[] = [];

beforeAll(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

/** Writes frame after frame, each in memory of its own, for as long as it is let, and never ends. */
function longAnswer(): { upstream: Upstream; sentAll: Promise<void>; paused: Promise<void> } {
  const all = Promise.withResolvers<void>();
  const pausing = Promise.withResolvers<void>();
  let isPaused = false;
  let sent = 0;
  const write = (handler: UpstreamHandler): void => {
    for (let count = 0; count < 100 && !isPaused && sent < STREAM_BYTES; count++) {
      sent += frame.length;
      handler.onData(Buffer.from(new Uint8Array(frame).buffer));
    }
    if (sent >= STREAM_BYTES) all.resolve();
    else if (!isPaused) setImmediate(write, handler);
  };
  return {
    sentAll: all.promise,
    paused: pausing.promise,
    upstream: {
      send(_request, handler) {
        let onDrain = (): void => undefined;
        setImmediate(() => {
          handler.onHead({ status: 200, headers: { "content-type": "text/event-stream" } });
          onDrain = () => write(handler);
          onDrain();
        });
        return {
          abort: () => (isPaused = true),
          pause() {
            isPaused = true;
            pausing.resolve();
          },
          resume() {
            isPaused = false;
            onDrain();
          },
        };
      },
      checkCredential: () => Promise.resolve({ accepted: true }),
      ping: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
  };
}

/** Resolves when the answer came as far as it will. */
async function relayTo(reads: boolean): Promise<void> {
  const { upstream, sentAll, paused } = longAnswer();
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: "127.0.0.1" });
  sockets.push(socket);
  if (reads) socket.resume();
  else socket.pause();
  const requested = once(server, "request");
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const [, client] = (await requested) as [unknown, ServerResponse];
  void relayAnswer({
    upstream,
    request: { method: "POST", path: "/", headers: {}, body: undefined },
    client,
    headers: {},
    expectedChoices: 1,
    clientWantsUsage: false,
    keepReasoning: false,
    keepBytes: true,
    onDisconnect: "cancel",
    restoring: undefined,
  });
  return reads ? sentAll : paused;
}

/** Bytes that cannot be collected, in and outside of the engine's heap. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function bytesPerClient(reads: boolean): Promise<number> {
  await relayTo(reads);
  const before = heldBytes();
  for (let count = 0; count < CLIENTS; count++) await relayTo(reads);
  return (heldBytes() - before) / CLIENTS;
}

describe("the memory of a relayed stream", () => {
  it.each([
    ["never reads", false],
    ["reads all twelve of them", true],
  ])("is below a megabyte for a client that %s", async (_, reads) => {
    expect(await bytesPerClient(reads)).toBeLessThan(MEGABYTE);
  });
});
