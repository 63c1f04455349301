import { readFileSync } from "node:fs";

/** LoCoMo's shape: conversations of two people in sittings, and questions with the remarks that answer them. */
export interface Conversation {
  readonly id: string;
  readonly speakers: readonly string[];
  readonly sessions: readonly { readonly date: string; readonly turns: readonly SaidRemark[] }[];
  readonly questions: readonly Question[];
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
