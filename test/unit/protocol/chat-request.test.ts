import { describe, expect, it } from "vitest";

import { parseChatRequest, parseInSlices } from "../../../src/protocol/chat-request.ts";
import { countLoopTurns } from "../../support/loop-turns.ts";

const limits = { maxDepth: 64, maxKeys: 100_000, maxValues: 100_000 };
const bodyOf = (messages: readonly unknown[]): Buffer => Buffer.from(JSON.stringify({ model: "m", n: 2, messages }));
const tooMany = expect.objectContaining({ code: "body_too_many_keys" }) as Error;
const manyMessages = Array.from({ length: 5_000 }, (_, index) => ({ role: "user", content: `message ${index}` }));

describe("a chat request", () => {
  it("is read at once when it is short", () => {
    expect(parseInSlices(bodyOf(manyMessages.slice(0, 3)), limits)).not.toBeInstanceOf(Promise);
  });

  it("says the same when it is long and read in slices, while others have their turns", async () => {
    const body = bodyOf(manyMessages);
    const turns = countLoopTurns();
    const chat = await parseInSlices(body, limits);
    turns.stop();
    expect(turns.now()).toBeGreaterThan(10);
    expect(chat).toEqual(parseChatRequest(body, limits));
  });

  it("gives others their turns between its fields and what is done with it, where these are long", async () => {
    const long = Buffer.from(`{"model":"m","metadata":{"x":"${"a".repeat(100_000)}"},"messages":[]}`);
    const turns = countLoopTurns();
    await parseInSlices(long, limits);
    turns.stop();
    expect(turns.now()).toBeGreaterThan(1);
  });

  it("is refused alike, wherever its mistake is", async () => {
    const wrong = bodyOf([...manyMessages, { role: 7 }]);
    const param = "messages[5000].role";
    expect(() => parseChatRequest(wrong, limits)).toThrow(expect.objectContaining({ code: "invalid_request", param }));
    await expect(async () => parseInSlices(wrong, limits)).rejects.toMatchObject({ code: "invalid_request", param });
    await expect(async () => parseInSlices(wrong, { ...limits, maxKeys: 10 })).rejects.toMatchObject({
      code: "body_too_many_keys",
    });
  });

  it.each([
    ["items of a list", "[0,0,0,0,0,0]"],
    ["empty lists", "[[],[],[]]"],
    ["lists in lists", "[[[[[[]]]]]]"],
    ["fields", '{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0}'],
  ])("is bounded in the values of each message, and of all beside them: %s", (_, six) => {
    const read = (body: string, maxValues: number) => parseChatRequest(Buffer.from(body), { ...limits, maxValues });
    const message = `{"role":"user","x":${six}}`;
    const inMessages = `{"model":"m","messages":[${message},${message},${message}]}`;
    expect(read(inMessages, 8).messages).toHaveLength(3);
    expect(() => read(inMessages, 7)).toThrow(tooMany);
    const beside = `{"model":"m","x":${six},"messages":[]}`;
    expect(read(beside, 9).fields["x"]).toEqual(JSON.parse(six));
    expect(() => read(beside, 8)).toThrow(tooMany);
  });

  it("may have as many messages as values", () => {
    const few = { ...limits, maxValues: 10 };
    const read = (count: number): number => parseChatRequest(bodyOf(manyMessages.slice(0, count)), few).messages.length;
    expect(read(7)).toBe(7);
    expect(() => read(8)).toThrow(tooMany);
  });

  it.each(["plain", '"', 'a "quoted" word', "\\", '\\"', 'ends in \\\\"', '"\\', `{"a":"b\\"c"}`, '"'.repeat(999)])(
    "ends each string where it ends: %j",
    (content) => {
      const messages = [
        { role: "user", content },
        { role: "user", content: "next" },
      ];
      const read = parseChatRequest(bodyOf(messages), limits);
      expect(read.messages.map(({ message }) => message)).toEqual(messages);
    },
  );
});
