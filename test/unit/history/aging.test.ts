import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { HistoryMessage, Selection } from "../../../src/history/history-strategy.ts";
import { resultNoteTokens, shortToolResult, withoutImages } from "../../../src/history/short-form.ts";
import { strategyFor } from "../../../src/history/strategy-registry.ts";
import { inCiOrProving } from "../../support/prove.ts";
import {
  assistant,
  countText,
  createSession,
  freshEpoch,
  knobs,
  message,
  picture,
  type Step,
  tool,
  turn,
  user,
  viewOf,
} from "./history-session.ts";
import { breachOf } from "./legal-sequence.ts";
import { anyAging, conversations } from "./random-conversations.ts";

const aging = { enabled: true, toolResults: 2, images: 1, excludeTools: [] };
const settings = { ...knobs, keepTurns: 2, floorTokens: 1_000_000, aging };
const LONG = "row of figures ".repeat(40);
const COLD = 400_000;

const textOf = ({ bytes }: HistoryMessage): string => bytes.toString("utf8");
const inShort = ({ history }: Selection): HistoryMessage[] => history.filter(({ original }) => original);
const shortIds = (selection: Selection): (string | undefined)[] =>
  inShort(selection).map(({ toolCallId }) => toolCallId);

/** An agent at work: each request brings the result of the call before it. */
const work = (steps: number, idleAt: readonly number[] = []): Step[] =>
  Array.from({ length: steps }, (_, index) => ({
    incoming: index === 0 ? [user("go on")] : [tool(`call_${index - 1}`, `${index} ${LONG}`)],
    answer: assistant("", `call_${index}`),
    ...(idleAt.includes(index) && { idleMs: COLD }),
  }));

function play(steps: readonly Step[], more: Partial<Parameters<typeof createSession>[0]> = {}) {
  const session = createSession({ strategy: "hybrid", knobs: settings, ...more });
  return steps.map((step) => session.ask(step));
}

describe("old tool results", () => {
  it("stay whole while the cache is hot, and shrink in a cold one, but for the newest", () => {
    const asked = play(work(10, [7]));
    expect(asked.map(({ selection }) => shortIds(selection).length)).toEqual([0, 0, 0, 0, 0, 0, 0, 4, 4, 4]);
    expect(shortIds(asked[7]?.selection as Selection)).toEqual(["call_0", "call_1", "call_2", "call_3"]);
    expect(asked.map(({ selection }) => selection.epoch.number)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
    expect(asked.every(({ selection }) => selection.cut === undefined)).toBe(true);
  });

  it("shrink with a cut for the ledger too", () => {
    const ledger = { ...settings, keepTurns: 3, floorTokens: 700, aging: { ...aging, toolResults: 1 } };
    const asked = play(work(80), { knobs: ledger });
    const cuts = asked.filter(({ selection }) => selection.cut === "ledger");
    expect(cuts.length).toBeGreaterThan(1);
    for (const { selection } of cuts) expect(inShort(selection).length).toBeGreaterThan(0);
  });

  it("make room below the cap before turns are cut", () => {
    const uncut = { ...settings, maxTokens: 1_700, keepTurns: 3 };
    const steps = work(12);
    const cutOf = (enabled: boolean) =>
      play(steps, { knobs: { ...uncut, aging: { ...aging, enabled } }, lastAskedAt: undefined }).findIndex(
        ({ selection }) => selection.cut === "cap",
      );
    expect(cutOf(false)).toBeGreaterThan(0);
    expect(cutOf(true)).toBe(-1);
  });

  it("stay whole under full, which promises everything, and where aging is switched off", () => {
    expect(play(work(10, [7]), { strategy: "full" }).flatMap(({ selection }) => inShort(selection))).toEqual([]);
    const off = { ...settings, aging: { ...aging, enabled: false } };
    expect(play(work(10, [7]), { knobs: off }).flatMap(({ selection }) => inShort(selection))).toEqual([]);
  });

  it("of an excluded tool stay whole, and do not count as one of the newest", () => {
    const excluding = { ...settings, aging: { ...aging, toolResults: 1, excludeTools: ["look"] } };
    expect(play(work(10, [7]), { knobs: excluding }).flatMap(({ selection }) => inShort(selection))).toEqual([]);
    const other = JSON.stringify({ role: "assistant", tool_calls: [{ id: "call_1", function: { name: "plan" } }] });
    const steps = work(10, [7]).map((step, index) =>
      index === 1 ? { ...step, answer: { ...assistant("", "call_1"), bytes: Buffer.from(other) } } : step,
    );
    const planning = { ...settings, aging: { ...aging, excludeTools: ["plan"] } };
    expect(shortIds(play(steps, { knobs: planning })[7]?.selection as Selection)).toEqual([
      "call_0",
      "call_2",
      "call_3",
    ]);
  });

  it("are told in full again where a rewind makes them the newest", () => {
    const turns = work(9).map(({ incoming, answer }) => turn(...incoming, answer as HistoryMessage));
    const epoch = { ...freshEpoch, aged: { toolResults: 5, images: 0 } };
    const before = strategyFor("hybrid").select(viewOf({ turns, epoch, knobs: settings }));
    expect([shortIds(before).length, before.epoch]).toEqual([4, { ...epoch, ledger: expect.any(Number) }]);
    const after = strategyFor("hybrid").select(viewOf({ turns: turns.slice(0, 5), epoch, knobs: settings }));
    expect(shortIds(after)).toEqual(["call_0", "call_1"]);
    expect(after.epoch).toMatchObject({ number: 1, aged: { toolResults: 3 } });
  });

  it("become the same bytes each time, and fewer tokens; a short one stays", () => {
    const result = tool('call "1"', LONG);
    const noteTokens = resultNoteTokens(countText);
    const short = shortToolResult(result, noteTokens);
    expect(short && JSON.parse(textOf(short))).toEqual({
      role: "tool",
      tool_call_id: 'call "1"',
      content: "[earlier tool result left out]",
    });
    expect(shortToolResult(result, noteTokens)).toEqual(short);
    expect(short?.tokens).toBeLessThan(result.tokens / 5);
    expect(shortToolResult(tool("1", "done"), noteTokens)).toBeUndefined();
    expect(shortToolResult(user(LONG), noteTokens)).toBeUndefined();
  });
});

describe("old images", () => {
  it("become a note in a cold cache, but for the newest", () => {
    const steps = Array.from({ length: 7 }, (_, index) => ({
      incoming: [picture(index)],
      answer: assistant("I see."),
      ...(index === 6 && { idleMs: COLD }),
    }));
    const { selection } = play(steps).at(-1) as { selection: Selection };
    const noted = selection.history.map((one) => textOf(one).includes("left out"));
    expect(noted.filter((_, index) => index % 2 === 0)).toEqual([true, true, true, true, false, false]);
    expect(inShort(selection).every(({ tokens }) => tokens < 40)).toBe(true);
  });

  it("leave every other byte where it was", () => {
    const image = '{ "image_url":{"url":"data:image/png;base64,\\"]}AAAA"}, "type":"image_url" }';
    const json = `{"role":"user" , "content":[ {"type":"text","text":"see \\u00e9"},${image} ,${image}],"name":"Ada"}`;
    const shown = { ...user(""), bytes: Buffer.from(json), tokens: 1_600 };
    const short = withoutImages(shown, countText);
    const note = '{"type":"text","text":"[image: an earlier one, left out]"}';
    expect(short && textOf(short)).toBe(json.replaceAll(image, note));
    expect(short?.tokens).toBe(3 + 1 + countText(`see é${"[image: an earlier one, left out]".repeat(2)}`) + 1 + 1);
  });

  it.each([
    ["a text about them", user('what is an "image_url"?')],
    ["a text in parts", message("user", [{ type: "text", text: "image_url" }] as never)],
    ["audio besides", message("user", [{ type: "image_url" }, { type: "input_audio", input_audio: {} }] as never)],
    ["an assistant", message("assistant", [{ type: "image_url", image_url: {} }] as never)],
    ["strange parts", message("user", [{ type: "image_url" }, "image_url", null] as never)],
  ])("are not looked for in %s", (_, odd) => {
    expect(withoutImages(odd, countText)).toBeUndefined();
  });
});

describe("aging, whatever is said", () => {
  it("changes nothing among the newest turns, keeps pairs legal and each front a prefix of the next", () => {
    let aged = 0;
    const names = fc.constantFrom("window", "summary", "hybrid");
    const runs = inCiOrProving(300, 10_000);
    fc.assert(
      fc.property(conversations({ orderly: true }), names, anyAging, (steps, strategy, some) => {
        const its = { ...settings, floorTokens: 2_000, windowTurns: 2, summaryKeepTurns: 2, aging: some };
        const asked = play(steps, { strategy, knobs: its });
        asked.forEach(({ view, selection, sent, front }, index) => {
          expect(breachOf(sent)).toBeUndefined();
          const short = inShort(selection);
          aged += short.length;
          const newest = new Set(view.turns.slice(-2).flatMap(({ messages }) => messages));
          expect(short.filter(({ original }) => original && newest.has(original))).toEqual([]);
          for (const { original, tokens, toolCallId } of short) {
            expect(tokens).toBeLessThan(original?.tokens ?? 0);
            expect(toolCallId).toBe(original?.toolCallId);
          }
          expect(view.turns.flatMap(({ stored }) => stored).filter(({ original }) => original)).toEqual([]);
          const earlier = asked[index - 1];
          if (earlier?.selection.epoch.number !== selection.epoch.number) return;
          expect(front.subarray(0, earlier.front.length).equals(earlier.front)).toBe(true);
        });
      }),
      { numRuns: runs },
    );
    expect(aged).toBeGreaterThan(runs / 4);
    process.stdout.write(`aging: ${runs} conversations, ${aged} messages sent in their short form, 0 breaches\n`);
  });
});
