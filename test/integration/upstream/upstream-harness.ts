import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

import { type HttpUpstreamOptions, openHttpUpstream } from "../../../src/upstream/http-upstream.ts";
import type { Upstream, UpstreamCall, UpstreamHead, UpstreamRequest } from "../../../src/upstream/upstream.ts";

export const patientTimeouts = { connectMs: 5_000, firstByteMs: 10_000, idleMs: 10_000 };

export const openTestUpstream = (baseUrl: string, options: Partial<HttpUpstreamOptions> = {}): Upstream =>
  openHttpUpstream({ baseUrl, timeouts: patientTimeouts, maxConnections: 16, ...options });

export interface Outcome {
  readonly head: UpstreamHead | undefined;
  readonly chunks: readonly Buffer[];
  readonly text: string;
  readonly error: Error | undefined;
}

/** Sends and gathers what comes back; resolves at the end, good or bad. */
export function exchange(
  upstream: Upstream,
  request: Partial<UpstreamRequest> = {},
  onChunk: (call: UpstreamCall, chunks: readonly Buffer[]) => void = () => undefined,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let head: UpstreamHead | undefined;
    const chunks: Buffer[] = [];
    const finish = (error?: Error): void => resolve({ head, chunks, text: Buffer.concat(chunks).toString(), error });
    const call = upstream.send(
      { method: "GET", path: "/models", headers: {}, body: undefined, ...request },
      {
        onHead: (given) => {
          if (head !== undefined) throw new Error("a second head");
          head = given;
        },
        onData: (chunk) => {
          chunks.push(chunk);
          onChunk(call, chunks);
        },
        onEnd: () => finish(),
        onError: finish,
      },
    );
  });
}

export function chatRequest(text: string, fields: object = {}): UpstreamRequest {
  const body = { model: "gpt-4o", messages: [{ role: "user", content: text }], ...fields };
  return {
    method: "POST",
    path: "/chat/completions",
    headers: { "content-type": "application/json", authorization: "Bearer sk-caller" },
    body: [Buffer.from(JSON.stringify(body))],
  };
}

export interface RawServer {
  readonly url: string;
  /** Bytes of every data event, per connection. */
  readonly received: readonly (readonly Buffer[])[];
  close(): Promise<void>;
}

/** A server that answers by hand: `onData` gets the socket, the number of its connection and of its data events so far. */
export async function startRawServer(
  onData: (socket: Socket, at: { readonly connection: number; readonly packet: number }) => void,
): Promise<RawServer> {
  const received: Buffer[][] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    const packets: Buffer[] = [];
    const connection = received.push(packets) - 1;
    sockets.add(socket);
    socket
      .on("error", () => undefined)
      .on("data", (bytes) => {
        packets.push(bytes);
        onData(socket, { connection, packet: packets.length - 1 });
      });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    received,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export const okAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
