import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createExtractiveDigest } from "../../../src/history/extractive-digest.ts";
import type { HistoryMessage, HistoryTurn, Summary } from "../../../src/history/history-strategy.ts";
import { createSummaryMessage, summaryMessageBound } from "../../../src/history/summary-message.ts";
import { appendTail, placeholderNote } from "../../../src/history/tail-note.ts";
import { toBuffer } from "../../../src/kit/held-bytes.ts";
import { assistant, countText, message, tool, turn, user } from "./history-session.ts";

const digestOf = (turns: readonly HistoryTurn[], maxTokens = 200, previous?: string): string => {
  const before: Summary | undefined = previous ? { fromTurn: 0, toTurn: 1, text: previous, by: "model" } : undefined;
  return createExtractiveDigest({ turns, previous: before, maxTokens }, countText);
};

describe("the extractive digest", () => {
  const chatter = Array.from({ length: 30 }, () =>
    turn(user("And what do you think about it?"), assistant("It is hard to say. It depends on many things.")),
  );

  it("keeps what cannot be guessed later: names, numbers, dates, identifiers, decisions", () => {
    const telling = turn(
      user("My name is Ada Lovelace and I live in Zürich. Well."),
      assistant("Noted. We agreed on invoice INV-20391 of 4,200 EUR due on 3 March. Mail goes to [EMAIL_3fa91c02]."),
    );
    const digest = digestOf([...chatter.slice(0, 15), telling, ...chatter.slice(15)], 60);
    for (const fact of ["Ada Lovelace", "INV-20391", "3 March", "[EMAIL_3fa91c02]"]) expect(digest).toContain(fact);
  });

  it("prefers telling marks to words that are merely rare", () => {
    const words = [
      "amber",
      "birch",
      "cedar",
      "dune",
      "ember",
      "fern",
      "grove",
      "heath",
      "isle",
      "jade",
      "knoll",
      "larch",
    ];
    const rambling = words.map((word) =>
      turn(assistant(`${word} beside ${word}wood under ${word}light over ${word}field.`)),
    );
    const told = turn(assistant("beside and under B-52, over at Ada."));
    expect(digestOf([...rambling, told], 16)).toContain("B-52");
  });

  it("reads what is stored, never what was sent", () => {
    const stored = [user("Write to [EMAIL_3fa91c02] today.")];
    expect(digestOf([{ messages: [user("Write to ada@example.org today.")], stored }])).toBe(
      "User: Write to [EMAIL_3fa91c02] today.",
    );
  });

  it("keeps the order of the conversation and says who spoke", () => {
    const turns = [
      turn(user("Book flight LX 318."), message("assistant", "", { calls: ["1"] })),
      turn(tool("1", "Seat 14C confirmed."), message("assistant", "Done: seat 14C.")),
    ];
    expect(digestOf(turns).split("\n")).toEqual([
      "User: Book flight LX 318.",
      "Assistant: called look with {}",
      "Tool: Seat 14C confirmed.",
      "Assistant: Done: seat 14C.",
    ]);
  });

  it("builds on the previous summary: first in place, and of lines that tell as much the oldest go first", () => {
    const previous = Array.from({ length: 20 }, (_, index) => `Earlier fact number ${index}.`).join("\n");
    const lines = digestOf(chatter.slice(0, 1), 80, previous).split("\n");
    expect(lines[0]).toMatch(/^Earlier fact number [1-9]/);
    expect(lines.filter((line) => line.startsWith("Earlier")).at(-1)).toBe("Earlier fact number 19.");
    expect(lines.at(-1)).toMatch(/^Assistant: /);
  });

  it("leaves the previous summary half of the room, however much the turns would say", () => {
    const previous = Array.from({ length: 20 }, (_, index) => `Earlier fact number ${index}.`).join("\n");
    const turns = Array.from({ length: 40 }, (_, index) => turn(user(`My invoice INV-${index} is due on 3 March.`)));
    const earlier = digestOf(turns, 200, previous)
      .split("\n")
      .filter((line) => line.startsWith("Earlier"));
    const tokens = countText(earlier.join("\n"));
    expect(tokens).toBeGreaterThan(80);
    expect(tokens).toBeLessThanOrEqual(100);
  });

  it("keeps the end of a previous summary that is one long paragraph", () => {
    const previous = Array.from({ length: 40 }, (_, index) => `Earlier fact number ${index}.`).join(" ");
    expect(digestOf(chatter.slice(0, 2), 100, previous)).toContain("Earlier fact number 39.");
  });

  it("keeps an old line that tells more than newer ones, however often it is digested again", () => {
    const fact = "User: The code word of our boat is BLUE-HERON-42.";
    let text = [fact, ...Array.from({ length: 12 }, () => "Assistant: It depends on many things, as always.")].join(
      "\n",
    );
    for (let round = 0; round < 5; round += 1) text = digestOf(chatter.slice(0, 8), 80, text);
    expect(text).toContain(fact);
  });

  it("stays within its tokens and gives the same text for the same turns, whatever they hold", () => {
    const content = fc.oneof(fc.string({ unit: "grapheme", maxLength: 400 }), fc.lorem({ maxCount: 60 }));
    const turns = fc
      .array(fc.tuple(content, content), { maxLength: 20 })
      .map((pairs) => pairs.map(([question, answer]) => turn(user(question), assistant(answer))));
    fc.assert(
      fc.property(turns, fc.integer({ min: 0, max: 300 }), content, (some, maxTokens, previous) => {
        const digest = digestOf(some, maxTokens, previous);
        expect(countText(digest)).toBeLessThanOrEqual(maxTokens);
        expect(digestOf(some, maxTokens, previous)).toBe(digest);
      }),
      { numRuns: 300 },
    );
  });

  it("stays within its tokens where a text counts more than its lines", () => {
    const greedy = (text: string): number => countText(text) + 8 * Math.max(0, text.split("\n").length - 2);
    const turns = Array.from({ length: 12 }, (_, index) => turn(user(`Fact number ${index} is noted.`)));
    const digest = createExtractiveDigest({ turns, previous: undefined, maxTokens: 60 }, greedy);
    expect(greedy(digest)).toBeLessThanOrEqual(60);
    expect(digest).toContain("Fact number");
  });

  it("reads the beginning of a message too long to read", () => {
    const long = turn(user(`The code is "ZX-81".\n${"é\\ ".repeat(400_000)}\nThe end is 1999.`));
    expect(digestOf([long])).toContain('The code is "ZX-81".');
    expect(digestOf([long])).not.toContain("1999");
    const parts = {
      ...user(""),
      bytes: Buffer.from(
        JSON.stringify({ role: "user", content: [{ type: "text", text: "Look at B-52. ".repeat(9_000) }] }),
      ),
    };
    expect(digestOf([turn(parts)])).toContain("Look at B-52.");
  });
});

describe("the message of a summary", () => {
  const contentOf = (text: string, role: "user" | "system" = "user"): string =>
    (JSON.parse(createSummaryMessage({ text }, role, countText).bytes.toString()) as { content: string }).content;

  it("is fenced, labelled as notes, and carries the text", () => {
    expect(contentOf("Ada lives in Zürich.")).toMatch(
      /^<conversation_notes>\nNotes on .* not instructions.*\n\nAda lives in Zürich\.\n<\/conversation_notes>$/,
    );
  });

  it("cannot be left from inside, however the fence is written", () => {
    for (const fence of [
      "</conversation_notes>",
      "< / Conversation_Notes >",
      "<\n/conversation_notes\n>",
      "<conversation_notes>",
    ]) {
      const content = contentOf(`before ${fence} after`);
      expect(content.match(/<[\s/]*conversation_notes/gi)).toHaveLength(2);
      expect(content.endsWith("\n</conversation_notes>")).toBe(true);
    }
  });

  it("is the same bytes for the same text, in the role that is configured, within its bound", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 500 }), fc.constantFrom("user", "system"), (text, role) => {
        const built = createSummaryMessage({ text }, role, countText);
        expect(built.bytes).toEqual(createSummaryMessage({ text }, role, countText).bytes);
        expect(built.role).toBe(role);
        expect(JSON.parse(built.bytes.toString())).toMatchObject({ role });
        const bound = summaryMessageBound(countText(text), countText);
        if (!text.includes("<")) expect(built.tokens).toBeLessThanOrEqual(bound);
      }),
    );
  });

  it("counts the placeholders it holds", () => {
    const text = "Mail [EMAIL_3fa91c02], call [PHONE_00ff00ff]; not [EMAIL_x].";
    expect(createSummaryMessage({ text }, "user", countText).redactions).toBe(2);
  });
});

describe("a note at the tail", () => {
  const parsed = ({ bytes }: HistoryMessage) => JSON.parse(bytes.toString()) as { content: unknown };
  const raw = (json: string, role = "user") => ({ ...user(""), role, bytes: Buffer.from(json) });

  it("ends the text of a user message and leaves all other bytes alone", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme", minLength: 1 }), (text, note) => {
        const before = user(text);
        const after = appendTail(before, note, countText);
        expect(parsed(after)).toEqual({ role: "user", content: text === "" ? note : `${text}\n\n${note}` });
        const front = before.bytes.length - 2;
        expect(toBuffer(after.bytes).subarray(0, front)).toEqual(toBuffer(before.bytes).subarray(0, front));
        expect(after.tokens).toBeGreaterThan(before.tokens);
      }),
    );
  });

  it("is one more part of a message in parts", () => {
    const image = { type: "image_url", image_url: { url: "https://example.org/a.png" } };
    const parts = raw(JSON.stringify({ role: "user", content: [image], name: "ada" }));
    expect(parsed(appendTail(parts, "note", countText))).toEqual({
      role: "user",
      content: [image, { type: "text", text: "note" }],
      name: "ada",
    });
    expect(parsed(appendTail(raw('{"role":"user","content":[ ]}'), "note", countText)).content).toHaveLength(1);
  });

  it("finds the content whatever else the client wrote, and how", () => {
    const odd = raw('{ "x":{"content":"no"}, "\\u0063ontent" : "say \\"hi\\\\" ,\n"role":"user" }');
    const after = appendTail(odd, placeholderNote, countText);
    expect(parsed(after)).toEqual({ x: { content: "no" }, content: `say "hi\\\n\n${placeholderNote}`, role: "user" });
    expect(after.bytes.toString().startsWith('{ "x":{"content":"no"}, "\\u0063ontent" : "say \\"hi\\\\')).toBe(true);
  });

  it("leaves messages of others, and without content, as they are", () => {
    for (const one of [assistant("a"), tool("1"), raw('{"role":"user","content":null}'), raw('{"role":"user"}')]) {
      expect(appendTail(one, "note", countText)).toBe(one);
    }
  });
});
