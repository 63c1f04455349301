import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { createAnswerReader } from "./answer-reader.ts";

export interface Answer {
  readonly status: number;
  /** From the call of `send` to the first byte of the body. */
  readonly firstByteMs: number;
  /** From the call of `send` to the last byte of the body. */
  readonly totalMs: number;
  /** Head and body as they came, only when asked for. */
  readonly text: string;
}

/**
 * A kept-alive connection that carries one request at a time. Written on sockets, because the load generator shares a
 * core with the upstream and must cost much less than any gateway; it reads no more of an answer than it has to.
 */
export interface HttpConnection {
  /** Rejects when the connection closes before the answer is whole. */
  send(request: Buffer, options?: { readonly keepText?: boolean }): Promise<Answer>;
  /** Closes at the first bytes of the answer, and resolves then. */
  sendAndLeave(request: Buffer): Promise<void>;
  close(): void;
}

interface Waiting {
  readonly sentAt: number;
  readonly keptText: Buffer[] | undefined;
  firstByteAt: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export async function openConnection(port: number): Promise<HttpConnection> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return createConnection(socket);
}

function createConnection(socket: Socket): HttpConnection {
  const reader = createAnswerReader();
  let waiting: Waiting | undefined;
  const fail = (error: Error): void => {
    waiting?.reject(error);
    waiting = undefined;
  };
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("connection closed before the answer was whole")));
  socket.on("data", (chunk: Buffer) => {
    if (!waiting) return void socket.destroy();
    waiting.keptText?.push(chunk);
    const state = reader.push(chunk);
    if (state !== "head") waiting.firstByteAt ||= performance.now();
    if (state !== "complete") return;
    const { sentAt, firstByteAt, keptText, resolve } = waiting;
    waiting = undefined;
    resolve({
      status: reader.takeStatus(),
      firstByteMs: firstByteAt - sentAt,
      totalMs: performance.now() - sentAt,
      text: keptText ? Buffer.concat(keptText).toString() : "",
    });
  });
  return {
    send: (request, { keepText = false } = {}) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error("connection is closed"));
        const keptText = keepText ? [] : undefined;
        waiting = { sentAt: performance.now(), firstByteAt: 0, keptText, resolve, reject };
        socket.write(request);
      }),
    sendAndLeave: (request) =>
      new Promise((resolve) => {
        socket.removeAllListeners("data");
        socket.once("data", () => socket.destroy());
        socket.once("close", () => resolve());
        socket.write(request);
      }),
    close: () => void socket.destroy(),
  };
}
