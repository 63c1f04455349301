import { describe, expect, it } from "vitest";

import { uniqueName } from "../support/store-commits.ts";
import { openForSuite, type StoreSuiteOptions } from "./store-harness.ts";

/** Every promise of `NoticeStore`, as a test. */
export function describeNoticeStore(name: string, { open }: StoreSuiteOptions): void {
  describe(`notice store: ${name}`, () => {
    const tested = openForSuite(open);

    it("a reader without a cursor learns where to start, also where nothing was ever posted", async () => {
      const { notices } = tested().backend;
      const start = await notices.read(undefined);
      expect(start.notices).toEqual([]);
      await notices.post("first");
      expect((await notices.read(start.cursor)).notices).toEqual(["first"]);
      expect((await notices.read(undefined)).notices).toEqual([]);
    });

    it("notices come in the order of their posting, to every reader", async () => {
      const { notices } = tested().backend;
      const { cursor } = await notices.read(undefined);
      const posted = Array.from({ length: 30 }, (_, index) => `notice ${index}`);
      for (const notice of posted) await notices.post(notice);
      expect((await notices.read(cursor)).notices).toEqual(posted);
      expect((await notices.read(cursor)).notices).toEqual(posted);
    });

    it("a cursor goes on where it was taken, and stays good when nothing was new", async () => {
      const { notices } = tested().backend;
      const { cursor: start } = await notices.read(undefined);
      const { cursor: unchanged } = await notices.read(start);
      await notices.post("one");
      const { notices: first, cursor } = await notices.read(unchanged);
      expect(first).toEqual(["one"]);
      expect((await notices.read(cursor)).notices).toEqual([]);
      await notices.post("two");
      expect((await notices.read(cursor)).notices).toEqual(["two"]);
      expect((await notices.read(start)).notices).toEqual(["one", "two"]);
    });

    it("readers who poll while many post see each notice once, and all in one order", async () => {
      const { notices } = tested().backend;
      const { cursor: start } = await notices.read(undefined);
      const posters = Array.from({ length: 8 }, (_, poster) =>
        Array.from({ length: 20 }, (__, index) => `${poster}:${index}`),
      );
      const expected = posters.flat().length;
      const poll = async (): Promise<string[]> => {
        const seen: string[] = [];
        for (let cursor = start; seen.length < expected;) {
          const page = await notices.read(cursor);
          seen.push(...page.notices);
          cursor = page.cursor;
          await new Promise((resolve) => setImmediate(resolve));
        }
        return seen;
      };
      const post = async (own: readonly string[]): Promise<void> => {
        for (const notice of own) await notices.post(notice);
      };
      const [first, second, third] = await Promise.all([poll(), poll(), poll(), ...posters.map(post)]);
      expect(second).toEqual(first);
      expect(third).toEqual(first);
      expect(first.toSorted()).toEqual(posters.flat().toSorted());
      for (const [poster, own] of posters.entries()) {
        expect(first.filter((notice) => notice.startsWith(`${poster}:`))).toEqual(own);
      }
    });

    it("a cursor from before old notices were cleared away misses none of the new", async () => {
      const { notices } = tested().backend;
      const { cursor } = await notices.read(undefined);
      await notices.post("old");
      await tested().elapse(11 * 60_000);
      await notices.post("new");
      const page = await notices.read(cursor);
      expect(page.notices.filter((notice) => notice === "new")).toHaveLength(1);
      expect(page.notices.at(-1)).toBe("new");
      await notices.post("newest");
      expect((await notices.read(page.cursor)).notices).toEqual(["newest"]);
    });

    it("a notice of the last ten minutes is there", async () => {
      const { notices } = tested().backend;
      const { cursor } = await notices.read(undefined);
      await notices.post("heard");
      await tested().elapse(9 * 60_000);
      await notices.post("after");
      expect((await notices.read(cursor)).notices).toEqual(["heard", "after"]);
    });

    it("any text is a notice", async () => {
      const { notices } = tested().backend;
      const { cursor } = await notices.read(undefined);
      const texts = ["", "*", "nul\0byte", "日本🙂", "new\nline\r\n", '{"kind":"erased"}', uniqueName("x".repeat(200))];
      for (const text of texts) await notices.post(text);
      expect((await notices.read(cursor)).notices).toEqual(texts);
    });
  });
}
