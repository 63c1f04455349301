import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createKeptBytes } from "../../../src/turn/kept-bytes.ts";

const MAX_BYTES = 20_000;

describe("the bytes kept of a stream", () => {
  it("are all of them in their order, or none when they are more than may be kept", () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 5_000 }).map(Buffer.from), { maxLength: 12 });
    fc.assert(
      fc.property(pieces, (given) => {
        const kept = createKeptBytes(MAX_BYTES);
        for (const piece of given) kept.add(piece);
        const all = Buffer.concat(given);
        expect(kept.whole()).toEqual(all.length > MAX_BYTES ? undefined : all);
      }),
    );
  });
});
