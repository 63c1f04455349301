const HEAD_END = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const EMPTY: Buffer = Buffer.alloc(0);

export type AnswerState = "head" | "body" | "complete";

/** Finds the end of one HTTP/1.1 answer after another in the pieces in which they arrive. */
export interface AnswerReader {
  /** @throws Error for an answer whose length only its connection's end would tell */
  push(chunk: Buffer): AnswerState;
  /** The status of the complete answer; makes ready for the next. */
  takeStatus(): number;
}

export function createAnswerReader(): AnswerReader {
  let head = EMPTY;
  let status = 0;
  /** Bytes of the body still to come; NaN for chunked, whose end is found by its last bytes. */
  let missing = 0;
  let tail = EMPTY;

  const readBody = (bytes: Buffer): AnswerState => {
    if (!Number.isNaN(missing)) {
      missing -= bytes.length;
      return missing > 0 ? "body" : "complete";
    }
    // Empty lines occur within an event stream, but never as CRLF CRLF after a zero: only the last chunk ends so.
    tail = bytes.length >= LAST_CHUNK.length ? bytes : Buffer.concat([tail.subarray(-LAST_CHUNK.length), bytes]);
    return tail.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK) ? "complete" : "body";
  };

  return {
    push(chunk) {
      if (status !== 0) return readBody(chunk);
      const bytes = head.length > 0 ? Buffer.concat([head, chunk]) : chunk;
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) {
        head = bytes;
        return "head";
      }
      const text = bytes.toString("latin1", 0, end).toLowerCase();
      status = Number(text.slice(9, 12));
      missing = bodyLength(text);
      const body = bytes.subarray(end + HEAD_END.length);
      return body.length > 0 || missing === 0 ? readBody(body) : "head";
    },
    takeStatus() {
      const taken = status;
      head = EMPTY;
      tail = EMPTY;
      status = 0;
      return taken;
    },
  };
}

function bodyLength(head: string): number {
  const position = head.indexOf("\r\ncontent-length:");
  if (position >= 0) return Number.parseInt(head.slice(position + 17), 10);
  if (head.includes("\r\ntransfer-encoding: chunked")) return Number.NaN;
  throw new Error("an answer without length");
}
