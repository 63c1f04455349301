import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

export interface RawUpstream {
  /** Base URL with `/v1`. */
  readonly url: string;
  close(): Promise<void>;
}

/** An upstream that answers every request with whatever `answer` does to its socket, HTTP or not. */
export async function startRawUpstream(answer: (socket: Socket) => void): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
    let head = "";
    socket.on("data", (chunk) => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      head = "";
      answer(socket);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

export const jsonHead = (contentLength: number): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${contentLength}\r\n\r\n`;

export interface FloodingUpstream extends RawUpstream {
  /** Bytes handed to the socket so far; it waits whenever the other side does not read. */
  sentBytes(): number;
  /** Whether the caller closed a connection before its answer was through. */
  isLeft(): boolean;
}

const FLOOD_TEXT = "flood ".repeat(1_000);

/** Streams an answer of about `bytes` as fast as it is taken. */
export async function startFloodingUpstream(bytes: number): Promise<FloodingUpstream> {
  let sent = 0;
  let left = false;
  const event = (delta: object, finishReason: string | null): string =>
    `data: ${JSON.stringify({ id: "x", model: "gpt-5", choices: [{ index: 0, delta, finish_reason: finishReason }] })}\n\n`;
  const piece = event({ content: FLOOD_TEXT }, null);
  const upstream = await startRawUpstream((socket) => {
    let written = 0;
    socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n");
    const pour = (): void => {
      while (written < bytes) {
        written += piece.length;
        sent += piece.length;
        if (!socket.write(piece)) return void socket.once("drain", pour);
      }
      socket.end(`${event({}, "stop")}data: [DONE]\n\n`);
    };
    socket.on("close", () => (left = written < bytes));
    pour();
  });
  return { ...upstream, sentBytes: () => sent, isLeft: () => left };
}
