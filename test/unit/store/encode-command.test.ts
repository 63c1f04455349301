import { Command } from "ioredis";
import { describe, expect, it } from "vitest";

import { encodeCommand } from "../../../src/store/redis/encode-command.ts";

const bytes = Buffer.from([0, 13, 10, 36, 255]);

describe("a command for Redis", () => {
  it.each([
    ["of text", ["key", "", "a b\r\n$1"]],
    ["of text beyond ASCII", ["schlüssel", "€", "🦊"]],
    ["of numbers", [0, -1, 1_764_000_000_000, 0.5]],
    ["of bytes", [bytes]],
    ["of no bytes between bytes", [bytes, Buffer.of(), bytes]],
    ["of text and bytes", ["ü", bytes, "", Buffer.of(), 7, bytes, "€"]],
    ["of many bytes", ["key", Buffer.alloc(100_000, 1), "end"]],
    ["of its name alone", []],
  ])("%s is written as the driver writes it", (_, words) => {
    const expected = new Command("evalsha", words).toWritable({});
    expect(Buffer.from(encodeCommand("evalsha", words))).toEqual(Buffer.from(expected));
  });

  it("holds text and the bytes behind it in one word", () => {
    const joined = encodeCommand("evalsha", ["key", Buffer.concat([Buffer.from("ü="), bytes]), 1]);
    expect(encodeCommand("evalsha", ["key", ["ü=", bytes], 1])).toEqual(joined);
  });
});
