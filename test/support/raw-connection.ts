import { once } from "node:events";
import { connect } from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export interface RawConnection {
  write(bytes: string | Buffer): void;
  /** The next answer with a `content-length` or chunked body. Rejects when the connection ends before. */
  answer(): Promise<RawAnswer>;
  /** What has come so far, once `text` is in it. */
  until(text: string): Promise<string>;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
  readonly isClosed: boolean;
  close(): void;
}

/** A TCP connection on which a test writes HTTP by hand, for what no client would send. */
export async function openRawConnection(origin: string): Promise<RawConnection> {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, "connect");
  let received = Buffer.alloc(0);
  let isClosed = false;
  let wake = (): void => undefined;
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  // A reset is an ending like any other here.
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      isClosed = true;
      wake();
      resolve();
    });
  });
  return {
    write: (bytes) => void socket.write(bytes),
    async answer() {
      for (;;) {
        const parsed = parseAnswer(received);
        if (parsed) {
          received = received.subarray(parsed.length);
          return parsed.answer;
        }
        if (isClosed) throw new Error(`closed before an answer: ${received.toString("latin1")}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    async until(text) {
      while (!received.includes(text)) {
        if (isClosed) throw new Error(`closed before ${text}: ${received.toString("latin1")}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
      return received.toString("latin1");
    },
    closed,
    get isClosed() {
      return isClosed;
    },
    close: () => void socket.destroy(),
  };
}

function parseAnswer(bytes: Buffer): { answer: RawAnswer; length: number } | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(head.split(" ", 2)[1]);
  const bodyStart = headEnd + 4;
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const end = bodyStart + Number(length);
    if (bytes.length < end) return undefined;
    return { answer: { status, head, body: bytes.toString("utf8", bodyStart, end) }, length: end };
  }
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) return { answer: { status, head, body: "" }, length: bodyStart };
  return readChunks(bytes, { status, head, body: "" }, bodyStart);
}

function readChunks(bytes: Buffer, answer: RawAnswer, from: number) {
  const pieces: Buffer[] = [];
  for (let at = from; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return undefined;
    if (size === 0) return { answer: { ...answer, body: Buffer.concat(pieces).toString("utf8") }, length: end };
    pieces.push(bytes.subarray(lineEnd + 2, end - 2));
    at = end;
  }
}
