import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { findAtoms } from "../../../src/history/atoms.ts";
import type { HistoryMessage } from "../../../src/history/history-strategy.ts";
import { repair } from "../../../src/history/repair.ts";
import { assistant, countText, message, tool, turn, user } from "./history-session.ts";
import { breachOf } from "./legal-sequence.ts";

const fix = (history: readonly HistoryMessage[], incoming: readonly HistoryMessage[] = []) =>
  repair({ history, incoming }, countText);
const named = (messages: readonly HistoryMessage[]): string[] =>
  messages.map(({ role, toolCallIds, toolCallId }) => [role, ...toolCallIds, toolCallId].filter(Boolean).join(" "));

describe("the repair pass", () => {
  it("hands back the very arrays when nothing is wrong", () => {
    const history = [user("a"), assistant("b", "1", "2"), tool("2"), tool("1"), assistant("c", "3")];
    const incoming = [tool("3"), user("d")];
    const repaired = fix(history, incoming);
    expect(repaired.history).toBe(history);
    expect(repaired.incoming).toBe(incoming);
  });

  it("puts results behind their calls, in the order of the calls, wherever they were stored", () => {
    const { history } = fix([user("a"), assistant("b", "1", "2"), user("c"), tool("2"), assistant("d"), tool("1")]);
    expect(named(history)).toEqual(["user", "assistant 1 2", "tool 1", "tool 2", "user", "assistant"]);
  });

  it("drops results that answer nothing, and second results", () => {
    const { history, incoming } = fix([tool("0"), user("a"), assistant("b", "1"), tool("1")], [tool("1"), user("c")]);
    expect(named(history)).toEqual(["user", "assistant 1", "tool 1"]);
    expect(named(incoming)).toEqual(["user"]);
  });

  it("stands in for the missing results of a call that others follow, and leaves a call at the end open", () => {
    const { history } = fix([assistant("a", "1", "2"), tool("2"), user("b"), assistant("c", "3")]);
    expect(named(history)).toEqual(["assistant 1 2", "tool 1", "tool 2", "user", "assistant 3"]);
    expect(history[1]?.bytes.toString()).toBe(
      '{"role":"tool","tool_call_id":"1","content":"(no result was recorded)"}',
    );
  });

  it("stands in for what is missing when only some results of the last calls are there", () => {
    expect(named(fix([user("a"), assistant("b", "1", "2")], [tool("1")]).incoming)).toEqual(["tool 1", "tool 2"]);
  });

  it("leaves incoming results with the incoming messages, in front, and stand-ins for history with the history", () => {
    const answered = fix([user("a"), assistant("b", "1")], [user("c"), tool("1")]);
    expect(named(answered.incoming)).toEqual(["tool 1", "user"]);
    const abandoned = fix([user("a"), assistant("b", "1")], [user("c")]);
    expect(named(abandoned.history)).toEqual(["user", "assistant 1", "tool 1"]);
    expect(named(abandoned.incoming)).toEqual(["user"]);
  });

  it("moves a late incoming result to its call in the history", () => {
    const { history, incoming } = fix([assistant("a", "1"), user("b"), assistant("c")], [tool("1"), user("d")]);
    expect(named(history)).toEqual(["assistant 1", "tool 1", "user", "assistant"]);
    expect(named(incoming)).toEqual(["user"]);
  });

  it("matches reused ids to the nearest call before", () => {
    const { history } = fix([
      assistant("a", "0"),
      tool("0", "first"),
      assistant("b", "0"),
      user("c"),
      tool("0", "second"),
    ]);
    expect(named(history)).toEqual(["assistant 0", "tool 0", "assistant 0", "tool 0", "user"]);
    expect(history[3]?.bytes.toString()).toContain("second");
  });

  it("gives a reused id's result to the newer call when the older one was abandoned", () => {
    const { history } = fix([assistant("a", "0"), user("b"), assistant("c", "0"), tool("0", "second")]);
    expect(named(history)).toEqual(["assistant 0", "tool 0", "user", "assistant 0", "tool 0"]);
    expect(history[1]?.bytes.toString()).toContain("no result was recorded");
    expect(history[4]?.bytes.toString()).toContain("second");
  });

  it("never gives a result whose call is gone to a later call of the same id", () => {
    const { history } = fix([tool("0", "old"), user("a"), assistant("b", "0"), user("c")]);
    expect(history.map(({ bytes }) => bytes.toString()).join()).not.toContain("old");
  });

  it("makes any sequence legal, keeps every message that is no tool's in order, and is done after one pass", () => {
    const anyMessage = fc.oneof(
      fc.constant(user("u")),
      fc.uniqueArray(fc.constantFrom("1", "2", "3", "4"), { maxLength: 3 }).map((ids) => assistant("a", ...ids)),
      fc.constantFrom("1", "2", "3", "4", "5").map((id) => tool(id)),
      fc.constant(message("tool", "without an id")),
    );
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 25 }), fc.nat(25), (messages, border) => {
        const once = fix(messages.slice(0, border), messages.slice(border));
        const all = [...once.history, ...once.incoming];
        expect(breachOf(all)).toBeUndefined();
        const spoken = messages.filter(({ role }) => role !== "tool");
        expect(all.filter(({ role }) => role !== "tool")).toEqual(spoken);
        expect(repair(once, countText)).toBe(once);
        for (const one of all.slice(once.history.length)) {
          if (messages.includes(one)) expect(messages.lastIndexOf(one)).toBeGreaterThanOrEqual(border);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("atoms", () => {
  const ask = turn(user("a"), assistant("b", "1", "2"));

  it("hold a call and its results together over turns", () => {
    const late = [ask, turn(user("c"), tool("1")), turn(user("d"), tool("2"))];
    const { boundaries, unanswered } = findAtoms(late, [user("f")]);
    expect(boundaries).toEqual(["clean", "closed", "closed", "clean"]);
    expect(unanswered).toEqual([0, 0, 0]);
  });

  it("leave a seam where the results stand at the head of the next turn, and only there", () => {
    const turns = [ask, turn(tool("1"), tool("2"), assistant("c")), turn(user("d"), assistant("e"))];
    expect(findAtoms(turns, [user("f")]).boundaries).toEqual(["clean", "seam", "clean", "clean"]);
    const parted = [ask, turn(tool("1"), user("c"), tool("2"))];
    expect(findAtoms(parted, [user("f")]).boundaries).toEqual(["clean", "closed", "clean"]);
    const later = [ask, turn(tool("1"), assistant("c")), turn(tool("2"), assistant("d"))];
    expect(findAtoms(later, [user("f")]).boundaries).toEqual(["clean", "closed", "seam", "clean"]);
  });

  it("hold a call that incoming results answer, or that may still be answered", () => {
    expect(findAtoms([ask], [tool("1"), tool("2")]).boundaries).toEqual(["clean", "closed"]);
    expect(findAtoms([ask], [user("never mind")])).toEqual({ boundaries: ["clean", "closed"], unanswered: [2] });
    const half = [turn(user("z")), ask, turn(tool("1"))];
    expect(findAtoms(half, [user("b")]).boundaries).toEqual(["clean", "clean", "closed", "closed"]);
  });

  it("let an abandoned call go", () => {
    const turns = [ask, turn(user("never mind"), assistant("all right"))];
    expect(findAtoms(turns, [user("f")])).toEqual({ boundaries: ["clean", "clean", "clean"], unanswered: [2, 0] });
  });
});
