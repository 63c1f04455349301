import { composeRecall } from "../../src/history/recall/compose-recall.ts";
import { readAsk } from "../../src/history/recall/read-ask.ts";
import { createRecallIndex } from "../../src/history/recall/recall-index.ts";
import { recallUnits } from "../../src/history/recall/recall-units.ts";
import type { MethodParts } from "./methods.ts";
import type { Prepared } from "./prepare.ts";

const TURNS = 1_000;
const ROUNDS = 600;
const WARM_UP = 200;

export interface RecallTimes {
  readonly turns: number;
  readonly remarks: number;
  /** Building the index of all turns, in milliseconds. */
  readonly buildMs: number;
  /** From the message to the text behind it: gate, search, choice, counting. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of one recall, the mean: what is left of these on a machine that does nothing else. */
  readonly cpuMs: number;
}

/** A session of a thousand turns of two remarks each, made of the conversations one after another as often as it takes. */
export async function timeRecall(parts: MethodParts, conversations: readonly Prepared[]): Promise<RecallTimes> {
  const said = conversations.flatMap(({ remarks }) => remarks.map(({ message }) => message));
  const index = createRecallIndex(parts.reader, { episodeGapMs: 1_800_000 });
  const startedAt = performance.now();
  for (let turn = 0; turn < TURNS; turn += 1) {
    const messages = [said[(2 * turn) % said.length], said[(2 * turn + 1) % said.length]].flatMap((one) => one ?? []);
    await index.add({ key: String(turn), at: turn * 60_000 + Math.floor(turn / 20) * 86_400_000, messages });
  }
  const buildMs = performance.now() - startedAt;
  const questions = conversations.flatMap(({ conversation }) => conversation.questions);
  const times: number[] = [];
  let cpuBefore = process.cpuUsage();
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    const { question } = questions[round % questions.length] ?? { question: "" };
    if (round === WARM_UP) cpuBefore = process.cpuUsage();
    const begun = performance.now();
    const ask = readAsk(question);
    const part = { index, turns: TURNS - 30, allTurns: TURNS };
    const units = ask && (await recallUnits(parts.reader, ask, { parts: [part] }));
    composeRecall(units ?? [], { maxTokens: 2_000, countText: parts.countText, isShown: () => false });
    if (round >= WARM_UP) times.push(performance.now() - begun);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  times.sort((left, right) => left - right);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0;
  return {
    turns: TURNS,
    remarks: index.units.length,
    buildMs,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuMs: (user + system) / 1000 / ROUNDS,
  };
}
