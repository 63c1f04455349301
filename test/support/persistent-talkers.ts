import { setTimeout as pause } from "node:timers/promises";

import { ask, errorCodes, said, textOf, transcript } from "./fault-client.ts";

/** What one session's client sent, and what it was promised. */
interface SaidTurn {
  readonly text: string;
  readonly reply: string;
  /** The client saw the whole body, or `[DONE]`: the turn is remembered. */
  readonly acknowledged: boolean;
}

export interface Talker {
  readonly session: string;
  /** Sends turn after turn, plain and streamed, until the gateway is gone; a new gateway goes on with the same session. */
  talk(url: string, isOver: () => boolean): Promise<void>;
  /** What is wrong with the stored transcript; empty when every promise is kept. */
  check(url: string): Promise<string[]>;
  readonly turns: readonly SaidTurn[];
}

const MAX_WORDS = 12;
/** Long enough that epochs end and summaries are written while processes die. */
const FILLER = "and a long story goes with it ".repeat(20).trim();
const REFUSED_PAUSE_MS = 20;

let talkers = 0;

export function createTalker(): Talker {
  const session = `talk-${++talkers}`;
  const turns: SaidTurn[] = [];
  return {
    session,
    turns,
    async talk(url, isOver) {
      while (!isOver()) {
        const words = 1 + Math.floor(Math.random() * MAX_WORDS);
        const stream = Math.random() < 0.7;
        const text = `turn ${turns.length} of ${session} ${FILLER} [[len:${words}]]`;
        const reply = Array.from({ length: words }, (_, index) => `word${index}`).join(" ");
        const answer = await ask(url, { session, stream, messages: [said(text)] });
        const isEnd = stream ? answer.events.includes("[DONE]") : answer.whole;
        const acknowledged = answer.status === 200 && isEnd && errorCodes(answer).length === 0;
        if (acknowledged && textOf(answer) !== reply)
          throw new Error(`a whole answer with half a text: ${answer.body}`);
        turns.push({ text, reply, acknowledged });
        if (answer.status === 0) return;
        if (!acknowledged) await pause(REFUSED_PAUSE_MS);
      }
    },
    check: async (url) => findBrokenPromises(turns, await transcript(url, session)),
  };
}

/** Acknowledged turns are there, in order, once; what was not acknowledged is there whole and in its place, or not at all. */
export function findBrokenPromises(turns: readonly SaidTurn[], stored: readonly string[]): string[] {
  const problems: string[] = [];
  let at = 0;
  for (const { text, reply, acknowledged } of turns) {
    if (stored[at] === `user: ${text}`) {
      if (stored[at + 1] !== `assistant: ${reply}`) problems.push(`half a turn: ${text} → ${stored[at + 1]}`);
      at += 2;
    } else if (acknowledged) {
      problems.push(`lost or out of order: ${text}, found ${stored[at]}`);
    }
  }
  for (const line of stored.slice(at)) problems.push(`nobody said this here: ${line}`);
  return problems;
}
