import { type IncomingMessage, ServerResponse } from "node:http";

/** Where copying costs more than further parts of a write. */
const MAX_COPIED_BYTES = 1 << 14;

const LINE_END = Buffer.from("\r\n");

type Written = (error: Error | null | undefined) => void;

/**
 * Sends each piece of a chunked body as one part. Node makes four of it, its size and the line ends around it, which
 * costs a proxy of small events a sixth of its time.
 */
export class FramedResponse<Request extends IncomingMessage> extends ServerResponse<Request> {
  override write(piece: unknown, encodingOrWritten?: BufferEncoding | Written, written?: Written): boolean {
    const mayFrame = this.chunkedEncoding && this.headersSent && this.writableCorked === 0;
    // Node takes the callback in either place.
    const encoding = encodingOrWritten as BufferEncoding;
    if (!mayFrame || !(piece instanceof Uint8Array) || !isSmall(piece)) return super.write(piece, encoding, written);
    this.chunkedEncoding = false;
    try {
      return super.write(chunkOf(piece), encoding, written);
    } finally {
      this.chunkedEncoding = true;
    }
  }
}

/** An empty chunk would end the body. */
const isSmall = ({ length }: Uint8Array): boolean => length > 0 && length <= MAX_COPIED_BYTES;

/** After RFC 9112 §7.1. */
function chunkOf(piece: Uint8Array): Buffer {
  const size = `${piece.length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafe(size.length + piece.length + LINE_END.length);
  chunk.write(size, "latin1");
  chunk.set(piece, size.length);
  chunk.set(LINE_END, size.length + piece.length);
  return chunk;
}
