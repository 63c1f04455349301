import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { foldChain } from "../../../src/session/fingerprint.ts";
import { reconcile } from "../../../src/session/reconcile-conversation.ts";
import type {
  ClientHabits,
  IncomingPrint,
  NeedsTurns,
  Reconciled,
  RequestedMode,
  StoredPrint,
  StoredTurnPrint,
  TranscriptPrint,
} from "../../../src/session/reconcile.ts";

/** `u…` and `v…` are said by users, `a…` and `b…` by the assistant, `t…` by a tool; what follows tells them apart. */
const roleOf = (word: string): string =>
  ({ u: "user", v: "user", a: "assistant", b: "assistant", t: "tool" })[word.charAt(0)] ?? "system";
const wordsOf = (text: string): string[] => text.split(" ").filter((word) => word !== "");

/** `seen/stored` where redaction changed a message. */
function storedPrint(word: string): StoredPrint {
  const [seen = "", stored = seen] = word.split("/");
  return { role: roleOf(seen), seen, stored };
}

/** "u1 > a1" is a turn, "u1 > a1 | b1" one with two choices, "u1 >" one without an answer. */
function turnOf(text: string, chosen = 0): StoredTurnPrint {
  const [asked = "", answered = ""] = text.split(">");
  const answers = answered.split("|").flatMap(wordsOf).map(storedPrint);
  return { record: { messages: wordsOf(asked).map(storedPrint), answers }, chosen };
}

const incomingOf = (text: string): IncomingPrint[] =>
  wordsOf(text).map((fingerprint) => ({ role: roleOf(fingerprint), fingerprint }));
const chainOf = (words: readonly string[]): string => words.reduce(foldChain, "");

interface Stored extends Partial<ClientHabits> {
  readonly firstTurn?: number;
  /** The opening's messages. */
  readonly shots?: string;
  readonly turns: readonly (string | StoredTurnPrint)[];
}

function transcriptOf({ turns, firstTurn = 0, shots = "", replayed = false }: Stored): TranscriptPrint {
  const all = turns.map((turn) => (typeof turn === "string" ? turnOf(turn) : turn));
  const before = all
    .slice(0, firstTurn)
    .flatMap(({ record: { messages, answers }, chosen }) => [
      ...messages.map(({ seen }) => seen),
      ...answers.slice(chosen, chosen + 1).map(({ seen }) => seen),
    ]);
  return {
    firstTurn,
    messagesBefore: before.length,
    chainBefore: chainOf(before),
    turns: all.slice(firstTurn),
    preamble: wordsOf(shots).length,
    preambleChain: chainOf(wordsOf(shots)),
    replayed,
  };
}

function read(stored: Stored, incoming: string, requested: RequestedMode = "auto"): Reconciled {
  const result = reconcile(transcriptOf(stored), incomingOf(incoming), requested);
  if ("needsTurnsFrom" in result) throw new Error("asked for turns");
  return result;
}

const readPart = (stored: Stored, incoming: string): Reconciled | NeedsTurns =>
  reconcile(transcriptOf(stored), incomingOf(incoming), "auto");

const three = ["u1 > a1", "u2 > a2", "u3 > a3"];
const replayed = { turns: three, replayed: true };

describe("a conversation that goes on", () => {
  it("the first request of a session is all new", () => {
    expect(read({ turns: [] }, "u1")).toMatchObject({
      mode: "new",
      keepTurns: 0,
      freshFrom: 0,
      replaysFrom: undefined,
    });
  });

  it("few-shot pairs of a first request are its opening", () => {
    const { habits } = read({ turns: [] }, "u1 a1 u2 a2 u3");
    expect(habits).toEqual({ preamble: 4, preambleChain: chainOf(["u1", "a1", "u2", "a2"]), replayed: false });
    expect(read({ turns: [] }, "u1 a1 t1").habits.preamble).toBe(0);
  });

  it("without an assistant message everything is new", () => {
    expect(read({ turns: three }, "u4")).toMatchObject({
      mode: "delta",
      keepTurns: 3,
      freshFrom: 0,
      replaysFrom: undefined,
    });
  });

  it("a user who says the same twice is not taken for a retry", () => {
    expect(read({ turns: ["u1 > a1"] }, "u1")).toMatchObject({ mode: "delta", keepTurns: 1, freshFrom: 0 });
  });

  it("a full replay goes on behind the transcript", () => {
    expect(read({ turns: three }, "u1 a1 u2 a2 u3 a3 u4")).toMatchObject({
      mode: "replay",
      keepTurns: 3,
      freshFrom: 6,
      replaysFrom: 0,
    });
  });

  it("a window goes on behind the transcript, even one that begins with an answer", () => {
    expect(read({ turns: three }, "u3 a3 u4")).toMatchObject({
      mode: "replay",
      keepTurns: 3,
      freshFrom: 2,
      replaysFrom: 4,
    });
    expect(read({ turns: three }, "a3 u4")).toMatchObject({
      mode: "replay",
      keepTurns: 3,
      freshFrom: 1,
      replaysFrom: 5,
    });
  });

  it("of several windows that fit, the longest that reaches the end is meant", () => {
    const turns = ["uh > ah", "uh > ah", "uh > ah"];
    expect(read({ turns }, "uh ah uh ah ux")).toMatchObject({ mode: "replay", freshFrom: 4, replaysFrom: 2 });
    expect(read({ turns: ["uh > ah", "ux > ax", "uh > ah"] }, "uh ah uy")).toMatchObject({ replaysFrom: 4 });
  });

  it("of several that do not reach the end, the longest and then the latest is meant", () => {
    const turns = ["uh > ah", "u1 > a1", "uh > ah", "u2 > a2"];
    expect(read({ turns }, "uh ah uy")).toMatchObject({ mode: "edited", keepTurns: 3, freshFrom: 2 });
    expect(read({ turns }, "uh ah u1 uy")).toMatchObject({ mode: "edited", keepTurns: 1, freshFrom: 2 });
  });
});

describe("a conversation that was changed", () => {
  it("an edited question replaces its turn and all behind it", () => {
    expect(read(replayed, "u1 a1 uX")).toMatchObject({ mode: "edited", keepTurns: 1, freshFrom: 2, replaysFrom: 0 });
    expect(read(replayed, "u2 a2 uX")).toMatchObject({ mode: "edited", keepTurns: 2, freshFrom: 2, replaysFrom: 2 });
  });

  it("an edited answer replaces its turn, question and all", () => {
    expect(read(replayed, "u1 a1 u2 aX u4")).toMatchObject({ mode: "edited", keepTurns: 1, freshFrom: 2 });
  });

  it("an edited beginning replaces everything", () => {
    expect(read(replayed, "uX")).toMatchObject({ mode: "edited", keepTurns: 0, freshFrom: 0 });
    expect(read(replayed, "uX a1 u2")).toMatchObject({ mode: "edited", keepTurns: 0, freshFrom: 0 });
  });

  it("a conversation that ends before an answer has it regenerated, the last or an earlier one", () => {
    expect(read(replayed, "u1 a1 u2 a2 u3")).toMatchObject({ mode: "regenerated", keepTurns: 2, freshFrom: 4 });
    expect(read(replayed, "u1 a1 u2")).toMatchObject({ mode: "regenerated", keepTurns: 1, freshFrom: 2 });
    expect(read(replayed, "u1")).toMatchObject({ mode: "regenerated", keepTurns: 0, freshFrom: 0 });
    expect(read(replayed, "u2 a2 u3")).toMatchObject({
      mode: "regenerated",
      keepTurns: 2,
      freshFrom: 2,
      replaysFrom: 2,
    });
  });

  it("assistant messages that are not stored are the client's own: its copy wins", () => {
    expect(read({ turns: three }, "uX aX uY")).toMatchObject({ mode: "edited", keepTurns: 0, freshFrom: 0 });
  });

  it("the transcript sent back as it is asks to go on with its last answer", () => {
    expect(read(replayed, "u1 a1 u2 a2 u3 a3")).toMatchObject({ mode: "replay", keepTurns: 3, freshFrom: 6 });
  });

  it("the transcript cut behind an earlier answer drops what follows", () => {
    expect(read(replayed, "u1 a1")).toMatchObject({ mode: "edited", keepTurns: 1, freshFrom: 2 });
  });
});

describe("the requested mode", () => {
  it("delta takes everything as new", () => {
    expect(read(replayed, "u1 a1 u2 a2 u3 a3 u4", "delta")).toMatchObject({
      mode: "delta",
      keepTurns: 3,
      freshFrom: 0,
    });
    expect(read({ turns: three, shots: "us as" }, "us as u4", "delta").freshFrom).toBe(0);
  });

  it("replay never takes anything for a delta", () => {
    expect(read({ turns: three }, "u4", "replay")).toMatchObject({ mode: "edited", keepTurns: 0 });
    expect(read({ turns: three }, "u1", "replay")).toMatchObject({ mode: "regenerated", keepTurns: 0 });
    expect(read({ turns: three }, "u4", "replay").habits.replayed).toBe(true);
  });
});

describe("few-shot openings", () => {
  const shots = "us as";
  const turns = ["us as u1 > a1", "u2 > a2", "u3 > a3"];

  it("a delta client may send them every time", () => {
    expect(read({ turns, shots }, "us as u4")).toMatchObject({ mode: "delta", keepTurns: 3, freshFrom: 2 });
  });

  it("a delta client's tool loop behind them is found", () => {
    const loop = { turns: ["us as u1 > a1", "u2 > a2"], shots };
    expect(read(loop, "us as u2 a2 t2")).toMatchObject({ mode: "replay", freshFrom: 4, replaysFrom: undefined });
  });

  it("a window behind them is found", () => {
    expect(read({ turns, shots }, "us as u3 a3 u4")).toMatchObject({ mode: "replay", keepTurns: 3, freshFrom: 4 });
    expect(read({ turns, shots, replayed: true }, "us as u2 a2 uX")).toMatchObject({
      mode: "edited",
      keepTurns: 2,
      freshFrom: 4,
    });
  });

  it("a full replay begins with them", () => {
    expect(read({ turns, shots }, "us as u1 a1 u2 a2 u3 a3 u4")).toMatchObject({
      mode: "replay",
      freshFrom: 8,
      replaysFrom: 0,
    });
  });

  it("other ones are another opening, from which a delta client goes on", () => {
    const { mode, habits } = read({ turns, shots }, "ur ar u4");
    expect(mode).toBe("edited");
    expect(habits).toEqual({ preamble: 2, preambleChain: chainOf(["ur", "ar"]), replayed: false });
  });
});

describe("what proves that a client replays", () => {
  const provenBy = (incoming: string): boolean => read({ turns: three }, incoming).habits.replayed;

  it("an answer of ours sent back with a question behind it does", () => {
    expect(provenBy("u1 a1 u2 a2 u3 a3 u4")).toBe(true);
    expect(provenBy("u3 a3 u4")).toBe(true);
    expect(provenBy("u1 a1 u2")).toBe(true);
  });

  it("a delta, a tool loop of one turn and a stranger's history do not", () => {
    expect(provenBy("u4")).toBe(false);
    expect(provenBy("a3 t3")).toBe(false);
    expect(provenBy("u3 a3 t3")).toBe(false);
    expect(provenBy("uX aX uY")).toBe(false);
  });

  it("is not forgotten", () => {
    expect(read(replayed, "u3 a3 t3").habits.replayed).toBe(true);
  });
});

describe("tool loops", () => {
  it("a result alone continues the session, whoever its client is", () => {
    expect(read({ turns: three }, "t3")).toMatchObject({ mode: "delta", freshFrom: 0 });
    expect(read(replayed, "t3")).toMatchObject({ mode: "delta", freshFrom: 0 });
  });

  it("a call sent back with its results is the last answer", () => {
    expect(read({ turns: three }, "a3 t3 t4")).toMatchObject({
      mode: "replay",
      keepTurns: 3,
      freshFrom: 1,
      replaysFrom: 5,
    });
  });

  it("a question sent back with its calls and results is the last turns", () => {
    const turns = ["u1 > a1", "u2 > ac", "tc > ad"];
    expect(read({ turns }, "u2 ac tc ad td")).toMatchObject({
      mode: "replay",
      keepTurns: 3,
      freshFrom: 4,
      replaysFrom: 2,
    });
  });
});

describe("answers with several choices", () => {
  it("the one that the client went on from is reported", () => {
    const turns = ["u1 > a1", "u2 > a2 | a2b"];
    expect(read({ turns }, "u1 a1 u2 a2b u3")).toMatchObject({ mode: "replay", previousChoice: 1, freshFrom: 4 });
    expect(read({ turns }, "a2b u3")).toMatchObject({ mode: "replay", previousChoice: 1, freshFrom: 1 });
    expect(read({ turns }, "u1 a1 u2 a2 u3").previousChoice).toBe(0);
  });

  it("another choice of an inner turn is an edit from that turn on", () => {
    const turns = [turnOf("u1 > a1 | a1b", 1), "u2 > a2"];
    expect(read({ turns }, "u1 a1b u2 a2 u3")).toMatchObject({ mode: "replay", freshFrom: 4 });
    expect(read({ turns }, "u1 a1 u2")).toMatchObject({ mode: "edited", keepTurns: 0, freshFrom: 0 });
  });

  it("the choice that was gone on from stays when a later turn is edited", () => {
    const turns = [turnOf("u1 > a1 | a1b", 1), "u2 > a2"];
    expect(read({ turns }, "u1 a1b uX")).toMatchObject({ mode: "edited", keepTurns: 1, previousChoice: 1 });
  });
});

describe("turns without a whole answer", () => {
  it("the question asked again replaces its turn", () => {
    const turns = ["u1 > a1", "u2 >"];
    expect(read({ turns }, "u1 a1 u2")).toMatchObject({ mode: "regenerated", keepTurns: 1, freshFrom: 2 });
  });

  it("the question asked again replaces its turn, whatever came after", () => {
    expect(read({ turns: ["u1 >", "aX u2 > a2"], replayed: true }, "u1")).toMatchObject({
      mode: "regenerated",
      keepTurns: 0,
      freshFrom: 0,
    });
  });

  it("the next question goes on behind it", () => {
    const turns = ["u1 > a1", "u2 >"];
    expect(read({ turns }, "u1 a1 u2 u3")).toMatchObject({ mode: "replay", keepTurns: 2, freshFrom: 3 });
  });

  it("a partial answer left out or shown otherwise is replaced by the client's copy", () => {
    const turns = ["u1 > a1", "u2 > ap"];
    expect(read({ turns }, "u1 a1 u2")).toMatchObject({ mode: "regenerated", keepTurns: 1, freshFrom: 2 });
    expect(read({ turns }, "u1 a1 u2 u3")).toMatchObject({ mode: "edited", keepTurns: 1, freshFrom: 2 });
    expect(read({ turns }, "u1 a1 u2 aq u3")).toMatchObject({ mode: "edited", keepTurns: 1, freshFrom: 2 });
  });
});

describe("messages that redaction changed", () => {
  const turns = ["u1/u[1] > a1/a[1]", "u2 > a2"];

  it("are known as they were seen and as they are stored", () => {
    expect(read({ turns }, "u1 a1 u2 a2 u3")).toMatchObject({ mode: "replay", freshFrom: 4 });
    expect(read({ turns }, "u[1] a[1] u2 a2 u3")).toMatchObject({ mode: "replay", freshFrom: 4 });
    expect(read({ turns }, "u[1] a1 u2 a2 u3")).toMatchObject({ mode: "replay", freshFrom: 4 });
    expect(read({ turns: ["u0 > a0", ...turns] }, "a[1] u2 a2 u3")).toMatchObject({ mode: "replay", replaysFrom: 3 });
  });

  it("are known across a change of what is redacted", () => {
    const changed = ["u1 > a1", "u1/u[1] > a1/a[1]", "u1/u{1} > a2"];
    expect(read({ turns: changed }, "u1 a1 u1 a1 u1 a2 u3")).toMatchObject({
      mode: "replay",
      freshFrom: 6,
      replaysFrom: 0,
    });
  });
});

describe("a window that begins inside the turn it leaves", () => {
  const turns = ["uh ah ui ai u1 > a1", "u2 > a2"];

  it("keeps what stands before it in that turn", () => {
    expect(read({ turns }, "ui ai u1")).toMatchObject({
      mode: "regenerated",
      keepTurns: 0,
      keepMessages: 2,
      freshFrom: 0,
    });
    expect(read({ turns }, "ui ai uX")).toMatchObject({ mode: "edited", keepTurns: 0, keepMessages: 2, freshFrom: 0 });
  });

  it("keeps nothing apart where whole turns stay", () => {
    expect(read({ turns }, "ui ai u1 a1 uX")).toMatchObject({
      mode: "edited",
      keepTurns: 1,
      keepMessages: 0,
      freshFrom: 4,
    });
  });
});

describe("with only the newest turns loaded", () => {
  const turns = ["u1 > a1", "u2 > a2", "u3 > a3", "u4 > a4"];
  const part = { turns, firstTurn: 2, replayed: true };
  const all = "u1 a1 u2 a2 u3 a3 u4 a4";

  it("a full replay, an edit near its end and a regenerated answer are recognised by the chain", () => {
    expect(readPart(part, `${all} u5`)).toMatchObject({ mode: "replay", keepTurns: 4, freshFrom: 8, replaysFrom: 0 });
    expect(readPart(part, "u1 a1 u2 a2 u3 a3 uX")).toMatchObject({ mode: "edited", keepTurns: 3, freshFrom: 6 });
    expect(readPart(part, "u1 a1 u2 a2 u3 a3 u4")).toMatchObject({ mode: "regenerated", keepTurns: 3, freshFrom: 6 });
  });

  it("a window into them is recognised, with its place in the whole", () => {
    expect(readPart(part, "u4 a4 u5")).toMatchObject({ mode: "replay", keepTurns: 4, freshFrom: 2, replaysFrom: 6 });
    expect(readPart(part, "u3 a3 u4")).toMatchObject({
      mode: "regenerated",
      keepTurns: 3,
      freshFrom: 2,
      replaysFrom: 4,
    });
  });

  it("deltas need no turn at all, few-shot openings included", () => {
    const delta = { ...part, replayed: false };
    expect(readPart({ ...delta, firstTurn: 4 }, "u5")).toMatchObject({ mode: "delta", keepTurns: 4 });
    expect(readPart({ ...delta, shots: "u1 a1" }, "u1 a1 u5")).toMatchObject({ mode: "delta", freshFrom: 2 });
  });

  it.each([
    ["a window that begins before them", "u2 a2 u3 a3 u4 a4 u5"],
    ["an edit before them", "u1 a1 uX"],
    ["an edit of the first of them, whose predecessor is not at hand", "u1 a1 u2 a2 uX"],
    ["an answer that none of them holds", "uX aX uY"],
    ["a beginning that could be the session's own", "u1"],
  ])("%s needs the others", (_, incoming) => {
    expect(readPart(part, incoming)).toEqual({ needsTurnsFrom: 0 });
  });

  it("a conversation that repeats itself needs the others", () => {
    const same = { turns: ["uh > ah", "uh > ah", "uh > ah", "uh > ah"], firstTurn: 2, replayed: true };
    expect(readPart(same, "uh ah uh ah uh ah ux")).toEqual({ needsTurnsFrom: 0 });
    expect(readPart(same, "uh ah uh ah uh ah uh ah ux")).toMatchObject({ mode: "replay", replaysFrom: 0 });
  });
});

it("what is decided without the older turns never differs from what they would say", () => {
  const question = fc.constantFrom("u", "v", "u v", "");
  const answer = fc.constantFrom("a", "a", "b", "a | b", "");
  const varied = fc.tuple(question, answer).map(([asked, answered]) => `${asked} > ${answered}`);
  const dull = fc.constantFrom("u > a", "u > a", "u > a", "u > a", "v > a", "u > b");
  const turn = fc.oneof({ weight: 3, arbitrary: dull }, { weight: 1, arbitrary: varied });
  const cases = fc.record({
    turns: fc.array(turn, { minLength: 2, maxLength: 7 }),
    firstTurn: fc.integer({ min: 1, max: 7 }),
    shots: fc.constantFrom("", "u a", "us as"),
    window: fc.nat(9),
    length: fc.nat(14),
    more: fc.constantFrom("", "u", "v", "a u", "b", "u a v"),
  });
  let decided = 0;
  fc.assert(
    fc.property(cases, ({ turns: texts, firstTurn, shots, window, length, more }) => {
      const turns = texts.map((text, at) => turnOf(at === 0 ? `${shots} ${text}` : text));
      const all = turns
        .flatMap(({ record: { messages, answers } }) => [...messages, ...answers.slice(0, 1)])
        .map(({ seen }) => seen);
      const incoming = [window > 0 ? shots : "", ...all.slice(window, window + length), more].join(" ");
      const stored = { turns, shots, replayed: true };
      const part = readPart({ ...stored, firstTurn: Math.min(firstTurn, turns.length) }, incoming);
      if ("needsTurnsFrom" in part) return;
      decided += 1;
      expect(part).toEqual(read(stored, incoming));
    }),
    { numRuns: 20_000 },
  );
  expect(decided).toBeGreaterThan(1_000);
});

it("a long conversation of one word is read without trying every place", () => {
  const turns = Array.from({ length: 15_000 }, () => "uh > ah");
  const incoming = `${"uh ah ".repeat(15_000)}ux`;
  expect(read({ turns }, incoming)).toMatchObject({ mode: "replay", freshFrom: 30_000 });
  expect(read({ turns, replayed: true }, incoming.slice(6))).toMatchObject({ mode: "replay", replaysFrom: 2 });
  expect(read({ turns, replayed: true }, incoming.slice(3).replace("ux", "uh uy"))).toMatchObject({ mode: "replay" });
});
