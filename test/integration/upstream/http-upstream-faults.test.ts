import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../../src/demo/simulated-upstream.ts";
import type { Upstream } from "../../../src/upstream/upstream.ts";
import {
  chatRequest,
  exchange,
  okAnswer,
  openTestUpstream,
  patientTimeouts,
  startRawServer,
} from "./upstream-harness.ts";

let simulated: SimulatedUpstream;
let upstream: Upstream;
const streamed = { stream: true };

beforeEach(async () => {
  simulated = await startSimulatedUpstream();
  upstream = openTestUpstream(simulated.url);
});
afterEach(async () => {
  await upstream.close();
  await simulated.close();
});

describe("an upstream that fails", () => {
  it("refuses the connection: unreachable", async () => {
    const nobody = openTestUpstream("http://127.0.0.1:1/v1");
    const { head, error } = await exchange(nobody);
    await nobody.close();
    expect(head).toBeUndefined();
    expect(error).toMatchObject({ code: "upstream_unreachable", message: "no answer: ECONNREFUSED" });
  });

  it("has no address: unreachable", async () => {
    const nowhere = openTestUpstream("http://upstream.invalid/v1");
    expect((await exchange(nowhere)).error).toMatchObject({ code: "upstream_unreachable" });
    await nowhere.close();
  });

  it("closes before the head: unreachable", async () => {
    expect((await exchange(upstream, chatRequest("[[drop]]"))).error).toMatchObject({ code: "upstream_unreachable" });
  });

  it("does not speak HTTP: unreachable, and its bytes stay out of the error", async () => {
    const raw = await startRawServer((socket) => socket.end("SSH-2.0-secret\r\n"));
    const direct = openTestUpstream(raw.url);
    const { error } = await exchange(direct);
    await direct.close();
    await raw.close();
    expect(error).toMatchObject({ code: "upstream_unreachable" });
    expect(JSON.stringify(error, ["message", "cause", "data"])).not.toContain("secret");
  });

  it("never answers: timeout", async () => {
    const hasty = openTestUpstream(simulated.url, { timeouts: { ...patientTimeouts, firstByteMs: 60 } });
    const { head, error } = await exchange(hasty, chatRequest("[[hang]]"));
    await hasty.close();
    expect(head).toBeUndefined();
    expect(error).toMatchObject({ code: "upstream_timeout" });
  });

  it("falls silent in mid-stream: timeout, after what it said", async () => {
    const hasty = openTestUpstream(simulated.url, { timeouts: { ...patientTimeouts, idleMs: 100 } });
    const { head, text, error } = await exchange(hasty, chatRequest("[[stall:2]] [[len:5]]", streamed));
    await hasty.close();
    expect(head?.status).toBe(200);
    expect(text).toContain("word1");
    expect(error).toMatchObject({ code: "upstream_timeout" });
  });

  it.each(["cut", "reset"])("breaks off in mid-stream with a %s: cut, after what it said", async (fault) => {
    const { head, text, error } = await exchange(upstream, chatRequest(`[[${fault}:2]] [[len:5]]`, streamed));
    expect(head?.status).toBe(200);
    expect(text).toContain("word1");
    expect(text).not.toContain("word2");
    expect(error).toMatchObject({ code: "upstream_cut" });
  });

  it("ends a plain body early: cut", async () => {
    const raw = await startRawServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"));
    const direct = openTestUpstream(raw.url);
    expect(await exchange(direct)).toMatchObject({ text: "short", error: { code: "upstream_cut" } });
    await direct.close();
    await raw.close();
  });

  it("an answer without a length ends with its connection, and that is no fault", async () => {
    const raw = await startRawServer((socket) => socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it"));
    const direct = openTestUpstream(raw.url);
    expect(await exchange(direct)).toMatchObject({ text: "all of it", error: undefined });
    await direct.close();
    await raw.close();
  });

  it("a failed exchange leaves the next one alone", async () => {
    await exchange(upstream, chatRequest("[[cut:1]]", streamed));
    expect((await exchange(upstream, chatRequest("hi"))).head?.status).toBe(200);
  });
});

describe("a kept-alive connection that was closed meanwhile", () => {
  /** Answers the first request, then closes the connection as the second one arrives on it. */
  const closing = (onSecond: (socket: { resetAndDestroy(): void; end(text: string): void }) => void) =>
    startRawServer((socket, { connection, packet }) => {
      if (connection === 0 && packet === 1) onSecond(socket);
      else socket.write(okAnswer);
    });

  it("is replaced, and the request sent once more", async () => {
    const raw = await closing((socket) => socket.resetAndDestroy());
    const direct = openTestUpstream(raw.url, { maxConnections: 1 });
    await exchange(direct, chatRequest("one"));
    const second = await exchange(direct, chatRequest("two"));
    await direct.close();
    await raw.close();
    expect(second).toMatchObject({ text: "ok", error: undefined });
    expect(raw.received.map((packets) => packets.length)).toEqual([2, 1]);
    expect(String(raw.received[1]?.[0])).toContain("two");
  });

  it("is not replaced once a byte of an answer came", async () => {
    const raw = await closing((socket) => socket.end("HTTP/1.1 2"));
    const direct = openTestUpstream(raw.url, { maxConnections: 1 });
    await exchange(direct, chatRequest("one"));
    const { error } = await exchange(direct, chatRequest("two"));
    await direct.close();
    await raw.close();
    expect(error).toMatchObject({ code: "upstream_unreachable" });
    expect(raw.received).toHaveLength(1);
  });

  it("is not replaced for a body that was a stream", async () => {
    const raw = await closing((socket) => socket.resetAndDestroy());
    const direct = openTestUpstream(raw.url, { maxConnections: 1 });
    await exchange(direct, chatRequest("one"));
    const { error } = await exchange(direct, { ...chatRequest("two"), body: Readable.from([Buffer.from("two")]) });
    await direct.close();
    await raw.close();
    expect(error).toMatchObject({ code: "upstream_unreachable" });
  });

  it("a fresh connection that is closed without an answer may have done the work: nothing is repeated", async () => {
    const raw = await startRawServer((socket) => socket.resetAndDestroy());
    const direct = openTestUpstream(raw.url);
    expect((await exchange(direct, chatRequest("one"))).error).toMatchObject({ code: "upstream_unreachable" });
    await direct.close();
    await raw.close();
    expect(raw.received).toHaveLength(1);
  });

  it("connections are used again", async () => {
    const raw = await startRawServer((socket) => socket.write(okAnswer));
    const direct = openTestUpstream(raw.url, { maxConnections: 1 });
    for (let turn = 0; turn < 3; turn++) await exchange(direct, chatRequest("x"));
    await direct.close();
    await raw.close();
    expect(raw.received.map((packets) => packets.length)).toEqual([3]);
  });
});

describe("aborting", () => {
  const silent = { onHead: () => undefined, onData: () => undefined, onEnd: vi.fn(), onError: vi.fn() };
  const aborted = (): Promise<unknown> => vi.waitFor(() => expect(simulated.log.at(-1)?.aborted).toBe(true));

  it("before the head closes the upstream's connection, and nothing is reported", async () => {
    const call = upstream.send(chatRequest("[[hang]]"), silent);
    await vi.waitFor(() => expect(simulated.log).toHaveLength(1));
    call.abort();
    call.abort();
    await aborted();
    expect(silent.onError).not.toHaveBeenCalled();
  });

  it("in mid-stream closes it too", async () => {
    const onData = vi.fn();
    const call = upstream.send(chatRequest("[[slow:5]] [[len:2000]]", streamed), { ...silent, onData });
    await vi.waitFor(() => expect(onData).toHaveBeenCalled());
    call.abort();
    const seen = onData.mock.calls.length;
    await aborted();
    expect(onData.mock.calls.length).toBe(seen);
    expect(silent.onError).not.toHaveBeenCalled();
    expect(silent.onEnd).not.toHaveBeenCalled();
  });

  it("from inside a callback is safe", async () => {
    const onData = vi.fn((): void => call.abort());
    const call = upstream.send(chatRequest("[[slow:1]] [[len:200]]", streamed), { ...silent, onData });
    await vi.waitFor(() => expect(onData).toHaveBeenCalled());
    await aborted();
    expect(onData).toHaveBeenCalledOnce();
  });

  it("while waiting for a free connection means that it is never sent", async () => {
    const narrow = openTestUpstream(simulated.url, { maxConnections: 1 });
    const first = exchange(narrow, chatRequest("[[delay:50]] one"));
    narrow.send(chatRequest("never"), silent).abort();
    await first;
    expect((await exchange(narrow, chatRequest("three"))).head?.status).toBe(200);
    await narrow.close();
    expect(JSON.stringify(simulated.log.map((entry) => entry.body))).not.toContain("never");
  });

  it("closing the upstream ends what runs with one error", async () => {
    const running = exchange(upstream, chatRequest("[[slow:5]] [[len:2000]]", streamed), (_call, chunks) => {
      if (chunks.length === 1) void upstream.close();
    });
    expect((await running).error).toMatchObject({ code: "upstream_cut" });
    expect((await exchange(upstream)).error).toMatchObject({ code: "upstream_unreachable" });
  });
});

describe("a failing handler", () => {
  it("ends its own exchange, with its own error", async () => {
    const onError = vi.fn();
    const failure = new TypeError("bug in the relay");
    upstream.send(chatRequest("hi", streamed), {
      onHead: () => undefined,
      onData: () => {
        throw failure;
      },
      onEnd: () => expect.fail(),
      onError,
    });
    await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce());
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: "upstream_cut", cause: failure });
  });
});

describe("backpressure", () => {
  it("pause stops reading, so the upstream has to wait; resume loses nothing", async () => {
    const total = 64 << 20;
    let sent = 0;
    const server = createServer((_request, response) => {
      response.writeHead(200, { "content-length": total });
      const piece = Buffer.alloc(1 << 16, "x");
      const write = (): void => {
        while (sent < total) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once("drain", write);
        }
        response.end();
      };
      write();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const direct = openTestUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    let received = 0;
    let resume = (): void => undefined;
    const finished = new Promise<void>((resolve, reject) => {
      const call = direct.send(
        { method: "GET", path: "/", headers: {}, body: undefined },
        {
          onHead: () => call.pause(),
          onData: (chunk) => (received += chunk.length),
          onEnd: resolve,
          onError: reject,
        },
      );
      resume = () => call.resume();
    });
    await settled(() => sent);
    expect(received).toBe(0);
    expect(sent).toBeLessThan(total / 2);
    resume();
    await finished;
    expect(received).toBe(total);
    await direct.close();
    server.close();
  });

  it("a paused exchange does not time out", async () => {
    const hasty = openTestUpstream(simulated.url, { timeouts: { ...patientTimeouts, idleMs: 80 } });
    let pauses = 0;
    const outcome = await exchange(hasty, chatRequest("[[len:50]]", streamed), (call) => {
      if (pauses++ > 0) return;
      call.pause();
      setTimeout(() => call.resume(), 200);
    });
    await hasty.close();
    expect(outcome.error).toBeUndefined();
    expect(outcome.text).toContain("[DONE]");
  });

  it("a slow upstream slows the body that is streamed to it", async () => {
    const raw = await startRawServer((socket) => socket.pause());
    const direct = openTestUpstream(raw.url);
    let produced = 0;
    const body = new Readable({
      read() {
        produced += 1 << 16;
        this.push(Buffer.alloc(1 << 16));
      },
    });
    const call = direct.send(
      { method: "POST", path: "/files", headers: {}, body },
      {
        onHead: () => undefined,
        onData: () => undefined,
        onEnd: () => undefined,
        onError: () => undefined,
      },
    );
    const stopped = await settled(() => produced);
    expect(stopped).toBeLessThan(64 << 20);
    call.abort();
    await vi.waitFor(() => expect(body.destroyed).toBe(true));
    await direct.close();
    await raw.close();
  });
});

/** The value once it has stopped to change. */
async function settled(read: () => number): Promise<number> {
  let last = -1;
  while (last === 0 || last !== read()) {
    last = read();
    await sleep(50);
  }
  return last;
}
