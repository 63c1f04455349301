import { GatewayError } from "../errors/gateway-error.ts";

/** A line without its newline; the first has number 1. */
export interface FileLine {
  readonly bytes: Buffer;
  readonly number: number;
}

const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 256 << 20;

/** @throws GatewayError `invalid_request` for a line that no export has */
export async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<FileLine, void> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let number = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      yield { bytes: Buffer.concat([...held, chunk.subarray(from, end)]), number: (number += 1) };
      held = [];
      heldBytes = 0;
      from = end + 1;
    }
    held.push(chunk.subarray(from));
    heldBytes += chunk.length - from;
    if (heldBytes > MAX_LINE_BYTES) throw new GatewayError("invalid_request", `line ${number + 1} is too long`);
  }
  if (heldBytes > 0) yield { bytes: Buffer.concat(held), number: number + 1 };
}
