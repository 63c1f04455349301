import { describe, expect, it } from "vitest";

import { createKeyedQueue } from "../../../src/kit/keyed-queue.ts";

const later = (): { promise: Promise<void>; finish: () => void } => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, finish: () => resolve() };
};

describe("a keyed queue", () => {
  it("runs work of one key in order, also behind work that failed", async () => {
    const queue = createKeyedQueue();
    const order: string[] = [];
    const first = later();
    const failing = queue.run("a", async () => {
      await first.promise;
      order.push("first");
      throw new Error("broken");
    });
    const second = queue.run("a", async () => void order.push("second"));
    await queue.run("b", async () => void order.push("other key"));
    first.finish();
    await expect(failing).rejects.toThrow("broken");
    await second;
    expect(order).toEqual(["other key", "first", "second"]);
  });

  it("forgets a key when its last work has ended", async () => {
    const queue = createKeyedQueue();
    const running = later();
    const work = queue.run("a", () => running.promise);
    expect(queue.isBusy("a")).toBe(true);
    running.finish();
    await work;
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(queue.isBusy("a")).toBe(false);
  });
});
