import { readFileSync } from "node:fs";

/** LoCoMo's shape: conversations of two people in sittings, and questions with the remarks that answer them. */
export interface Conversation {
  readonly id: string;
  readonly speakers: readonly string[];
  readonly sessions: readonly Sitting[];
  readonly questions: readonly Question[];
}

export interface Sitting {
  /** "1:56 pm on 8 May, 2023" */
  readonly date: string;
  readonly turns: readonly SaidRemark[];
}

export interface SaidRemark {
  readonly id: string;
  /** Position of the speaker. */
  readonly by: number;
  readonly text: string;
}

export interface Question {
  readonly question: string;
  readonly category: number;
  /** Ids of remarks. */
  readonly evidence: readonly string[];
}

/** @throws Error for a file of another shape */
export function readConversations(file: string): readonly Conversation[] {
  const data: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(data) || !data.every(isConversation)) throw new Error(`${file} is no list of conversations`);
  return data;
}

const isConversation = (value: unknown): value is Conversation =>
  typeof value === "object" &&
  value !== null &&
  "speakers" in value &&
  "sessions" in value &&
  Array.isArray(value.sessions) &&
  "questions" in value &&
  Array.isArray(value.questions);

/** LoCoMo's categories 1 to 4; the fifth has no answer. */
export const categories: Readonly<Record<number, string>> = {
  1: "multi-hop",
  2: "temporal",
  3: "open-domain",
  4: "single-hop",
};

const DAY_MS = 86_400_000;

/** When a sitting began, its date taken as UTC; where that is none, sittings are a day apart. */
export function sittingStart({ sessions }: Conversation, sitting: number): number {
  const [, time, day] = /^(.+) on (.+)$/.exec(sessions[sitting]?.date ?? "") ?? [];
  const at = Date.parse(`${day} ${time} UTC`);
  return Number.isNaN(at) ? (sitting + 1) * DAY_MS : at;
}

/** A request and its answer, as texts. */
export interface SaidExchange {
  readonly question: string;
  readonly answer: string;
}

/**
 * A sitting as requests: the first speaker asks, the second answers, each with all that he says before the other one
 * does. Who says nothing where it would be his turn listens, or nods.
 */
export function exchangesOf(
  { speakers }: Conversation,
  { date, turns }: Sitting,
  { showNames }: { showNames: boolean },
): SaidExchange[] {
  const exchanges: SaidExchange[] = [];
  const saidBy = (speaker: number, from: number): string[] => {
    const end = turns.findIndex(({ by }, at) => at >= from && by !== speaker);
    const said = turns.slice(from, end < 0 ? turns.length : end);
    return said.map(({ text }) => (showNames ? `${speakers[speaker]}: ${text}` : text));
  };
  for (let at = 0; at < turns.length;) {
    const asked = saidBy(0, at);
    const answered = saidBy(1, at + asked.length);
    const dated = at === 0 ? `[${date}] ` : "";
    exchanges.push({ question: dated + (asked.join("\n") || "(listens)"), answer: answered.join("\n") || "(nods)" });
    at += asked.length + answered.length;
  }
  return exchanges;
}
