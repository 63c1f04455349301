import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

import { afterEach, describe, expect, it } from "vitest";

import { FramedResponse } from "../../../src/http/framed-response.ts";

type Answering = (response: FramedResponse<never>) => void;

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** Everything that a client on a raw connection gets, up to its end. */
async function wireOf(answer: Answering, version = "1.1"): Promise<string> {
  const server = createServer({ ServerResponse: FramedResponse }, (_, response) => answer(response as never));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(`GET / HTTP/${version}\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const pieces = (await socket.toArray()) as Buffer[];
  return Buffer.concat(pieces).toString();
}

const bodyOf = (wire: string): string => wire.slice(wire.indexOf("\r\n\r\n") + 4);
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const LAST = "0\r\n\r\n";

describe("a chunked body", () => {
  it("is framed as Node frames it, whatever its pieces are: bytes, none, strings, large ones", async () => {
    const large = "x".repeat(20_000);
    const wire = await wireOf((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(Buffer.from("data: 東京\n\n"));
      response.write(Buffer.alloc(0));
      response.write(": text\n\n");
      response.write(Buffer.from(large));
      response.write(new Uint8Array([65, 66]), () => response.end(Buffer.from("end")));
    });
    expect(wire).toContain("Transfer-Encoding: chunked");
    expect(bodyOf(wire)).toBe(`${["data: 東京\n\n", ": text\n\n", large, "AB", "end"].map(chunk).join("")}${LAST}`);
  });

  it("takes one write of the socket for each of its pieces", async () => {
    const writes: unknown[] = [];
    await wireOf((response) => {
      response.writeHead(200).flushHeaders();
      const socket = response.socket as Socket;
      const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
      Object.assign(socket, { write: (...given: unknown[]) => (writes.push(given[0]), write(...given)) });
      response.write(Buffer.from("data: a\n\n"));
      response.write(Buffer.from("data: b\n\n"));
      response.end();
    });
    expect(writes.map(String)).toEqual([chunk("data: a\n\n"), chunk("data: b\n\n"), LAST]);
  });

  it("keeps its order when it is corked meanwhile", async () => {
    const wire = await wireOf((response) => {
      response.writeHead(200).write(Buffer.from("a"));
      response.cork();
      response.write(Buffer.from("b"));
      response.write("c");
      response.uncork();
      response.write(Buffer.from("d"));
      response.end();
    });
    expect(bodyOf(wire).replaceAll(/[\r\n0-9]/g, "")).toBe("abcd");
    expect(bodyOf(wire).endsWith(LAST)).toBe(true);
  });
});

describe("a body that is not chunked", () => {
  it("has no frames, by its length or for a client of HTTP/1.0", async () => {
    const known = await wireOf((response) => response.writeHead(200, { "content-length": 3 }).end(Buffer.from("abc")));
    expect(bodyOf(known)).toBe("abc");
    const old = await wireOf((response) => {
      response.writeHead(200);
      response.write(Buffer.from("abc"));
      response.end();
    }, "1.0");
    expect(bodyOf(old)).toBe("abc");
  });
});
