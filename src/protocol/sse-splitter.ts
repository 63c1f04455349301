import { GatewayError } from "../errors/gateway-error.ts";
import { createBlankLineScanner } from "./sse-event.ts";

const MAX_EVENT_BYTES = 1 << 20;
const MAX_PIECES = 1024;
const LF = 0x0a;

export interface SseSplitter {
  /**
   * Everything through the last blank line, ready to be forwarded: one or more whole events, the bytes as they came.
   * `undefined` while no event is whole. A chunk that ends with an event is handed on by reference.
   * @throws GatewayError `upstream_cut` when an unfinished event grows beyond its bound
   */
  push(chunk: Buffer): Buffer | undefined;
  /** The unfinished event at the end, empty when there is none. At a clean end some providers omit the blank line. */
  rest(): Buffer;
}

/** Holds back what is not yet a whole event, so that a relay never forwards half of one. */
export function createSseSplitter(maxEventBytes = MAX_EVENT_BYTES): SseSplitter {
  let scanner = createBlankLineScanner();
  let held: Buffer[] = [];
  let heldBytes = 0;

  const hold = (piece: Buffer): void => {
    if (piece.length === 0) return;
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes > maxEventBytes) throw new GatewayError("upstream_cut", "an event of the stream is too large");
    // An upstream that writes single bytes would cost a hundred times their size in Buffer objects.
    if (held.length === MAX_PIECES) held = [Buffer.concat(held)];
  };
  const release = (last: Buffer): Buffer => {
    const bytes = held.length === 0 ? last : Buffer.concat([...held, last]);
    held = [];
    heldBytes = 0;
    return bytes;
  };

  return {
    push(chunk) {
      // As nearly every chunk comes: whoever writes event by event ends each write with one.
      if (held.length === 0 && chunk.at(-1) === LF && chunk.at(-2) === LF) {
        scanner = createBlankLineScanner();
        return chunk;
      }
      let end = 0;
      for (let next = scanner.next(chunk, 0); next !== -1; next = scanner.next(chunk, next)) end = next;
      if (end === chunk.length && held.length === 0) return end === 0 ? undefined : chunk;
      const whole = end === 0 ? undefined : release(chunk.subarray(0, end));
      hold(chunk.subarray(end));
      return whole;
    },
    rest: () => Buffer.concat(held),
  };
}
