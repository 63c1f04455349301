import { readAsk } from "../../src/history/recall/read-ask.ts";
import { recallUnits } from "../../src/history/recall/recall-units.ts";
import type { MethodParts } from "./methods.ts";
import type { Prepared } from "./prepare.ts";

/** Remarks taken to be in the context: about the default floor of 2,000 tokens. */
export const CONTEXT = 50;

export interface GateRates {
  /** Questions whose evidence is not all in the context, and how many of them opened the gate. */
  readonly questions: { readonly all: number; readonly opened: number };
  /** What the first speaker said in passing, where something is out of the context, and the same. */
  readonly smallTalk: { readonly all: number; readonly opened: number };
}

export async function scoreGate(parts: MethodParts, conversations: readonly Prepared[]): Promise<GateRates> {
  const questions = { all: 0, opened: 0 };
  const smallTalk = { all: 0, opened: 0 };
  const count = (rate: { all: number; opened: number }, opened: boolean): void => {
    rate.all += 1;
    if (opened) rate.opened += 1;
  };
  for (const prepared of conversations) {
    const { remarks, conversation } = prepared;
    const old = new Set(remarks.slice(0, -CONTEXT).map(({ id }) => id));
    for (const { question, evidence } of conversation.questions) {
      if (evidence.some((id) => old.has(id)))
        count(questions, await opens(parts, prepared, [question, remarks.length]));
    }
    for (const [at, { by, message }] of remarks.entries()) {
      if (by !== 0 || at <= CONTEXT * 2) continue;
      const { content } = JSON.parse(message.bytes.toString("utf8")) as { content: string };
      count(smallTalk, await opens(parts, prepared, [content, at]));
    }
  }
  return { questions, smallTalk };
}

/** Whether the message opens the gate after so many remarks. */
async function opens(
  { reader }: MethodParts,
  { index }: Prepared,
  [message, said]: readonly [string, number],
): Promise<boolean> {
  const ask = readAsk(message);
  if (!ask) return false;
  const part = { index, turns: said - CONTEXT, allTurns: said };
  return (await recallUnits(reader, ask, { parts: [part] })) !== undefined;
}
