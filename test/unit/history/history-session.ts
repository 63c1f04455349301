import type {
  EpochState,
  HistoryKnobs,
  HistoryMessage,
  HistoryTurn,
  HistoryView,
  Selection,
  StrategyName,
  Summary,
} from "../../../src/history/history-strategy.ts";
import { rewindEpoch } from "../../../src/history/rewind-epoch.ts";
import { strategyFor } from "../../../src/history/strategy-registry.ts";
import { placeholderNote } from "../../../src/history/tail-note.ts";
import { toBuffer } from "../../../src/kit/held-bytes.ts";

export const countText = (text: string): number => Math.ceil(text.length / 4);

export const knobs: HistoryKnobs = {
  windowTurns: 10,
  windowTokens: 0,
  keepTurns: 5,
  summaryKeepTurns: 4,
  floorTokens: 0,
  maxTokens: 1_000_000,
  exact: false,
  summaryMode: "extractive",
  summaryTokens: 100,
  summaryRole: "user",
  aging: { enabled: true, toolResults: 4, images: 3, excludeTools: [] },
};

/** gpt-5's ratios. */
export const economics = { cachedRatio: 0.1, writeRatio: 1, outputRatio: 8, cacheTtlMs: 300_000 };

export const freshEpoch: EpochState = { number: 0, firstTurn: 0, ledger: 0, summaryFailed: false };

export function message(role: string, content: string, more: { calls?: readonly string[]; answers?: string } = {}) {
  const { calls = [], answers } = more;
  const json = {
    role,
    content,
    ...(calls.length > 0 && {
      tool_calls: calls.map((id) => ({ id, type: "function", function: { name: "look", arguments: "{}" } })),
    }),
    ...(answers !== undefined && { tool_call_id: answers }),
  };
  const built: HistoryMessage = {
    role,
    bytes: Buffer.from(JSON.stringify(json)),
    tokens: 4 + countText(content) + 10 * calls.length,
    toolCallIds: calls,
    toolCallId: answers,
    redactions: 0,
  };
  return built;
}

export const user = (content: string) => message("user", content);
export const assistant = (content: string, ...calls: string[]) => message("assistant", content, { calls });
export const tool = (answers: string, content = `result of ${answers}`) => message("tool", content, { answers });

/** A user's message with an image, counted as one at high detail. */
export const picture = (serial: number): HistoryMessage => {
  const image = { type: "image_url", image_url: { url: `https://example.org/${serial}.png` } };
  const content = [{ type: "text", text: `picture ${serial}` }, image];
  return { ...user(""), bytes: Buffer.from(JSON.stringify({ role: "user", content })), tokens: 780 };
};

/** A message of exactly so many tokens. */
export const sized = (role: string, tokens: number, label = "x") => message(role, label.padEnd((tokens - 4) * 4, "."));

export const turn = (...messages: HistoryMessage[]): HistoryTurn => ({ messages, stored: messages });

export const viewOf = (part: Partial<HistoryView>): HistoryView => ({
  system: [],
  turns: [],
  firstLoadedTurn: 0,
  incoming: [user("next")],
  summaries: [],
  epoch: freshEpoch,
  envelopeTokens: 0,
  now: 1_000,
  lastAskedAt: 1_000,
  economics,
  knobs,
  note: placeholderNote,
  countText,
  ...part,
});

export interface Asked {
  readonly view: HistoryView;
  readonly selection: Selection;
  /** System, history and incoming messages as they are sent. */
  readonly sent: readonly HistoryMessage[];
  /** Bytes of what must stay the front of later prompts. */
  readonly front: Buffer;
}

export interface Step {
  readonly incoming: readonly HistoryMessage[];
  /** Absent when nothing usable came back. */
  readonly answer?: HistoryMessage | undefined;
  readonly idleMs?: number;
  readonly strategy?: StrategyName;
  /** Whether the summary, if one is asked for, comes: in time, too late for the next request, or not, told or untold. */
  readonly upkeep?: "done" | "late" | "failed" | "lost";
  /** How many of the newest turns this request takes back. */
  readonly rewind?: number;
}

/** A session as the turn ring keeps it: loads what the strategy needs, stores what it decides, makes summaries after. */
export function createSession(options: Partial<HistoryView> & { strategy: StrategyName }) {
  const { strategy: usual, ...fixed } = options;
  const turns: HistoryTurn[] = [];
  let epoch = freshEpoch;
  let summaries: readonly Summary[] = [];
  let now = 0;
  let lastAskedAt: number | undefined;
  let owed: { readonly made: Summary; readonly epoch: number } | undefined;

  const tokensFrom = (first: number): number =>
    turns.slice(first).reduce((sum, { stored }) => stored.reduce((all, { tokens }) => all + tokens, sum), 0);

  function ask(step: Step): Asked {
    const strategy = strategyFor(step.strategy ?? usual);
    now += step.idleMs ?? 1_000;
    if (step.rewind) {
      turns.splice(Math.max(0, turns.length - step.rewind));
      ({ epoch, summaries } = rewindEpoch(epoch, summaries, turns.length));
    }
    const settings = { ...knobs, ...fixed.knobs };
    const needed = strategy.firstTurnNeeded(
      {
        turns: turns.length,
        epochFirstTurn: epoch.firstTurn,
        tokens: tokensFrom(0),
        epochTokens: tokensFrom(epoch.firstTurn),
        summarised: Math.max(0, ...summaries.map(({ toTurn }) => toTurn)),
      },
      settings,
    );
    const firstLoadedTurn = Math.min(needed, epoch.firstTurn);
    const view = viewOf({
      ...fixed,
      knobs: settings,
      turns: turns.slice(firstLoadedTurn),
      firstLoadedTurn,
      incoming: step.incoming,
      summaries,
      epoch,
      now,
      lastAskedAt,
    });
    const selection = strategy.select(view);
    const past = [...view.system, ...selection.history];
    remember(step, selection);
    return {
      view,
      selection,
      sent: [...past, ...selection.incoming],
      front: Buffer.concat(past.flatMap(({ bytes }) => [toBuffer(bytes), Buffer.from("\n")])),
    };
  }

  function remember(step: Step, { epoch: next, digest, wantsSummary }: Selection): void {
    turns.push(turn(...step.incoming, ...(step.answer ? [step.answer] : [])));
    lastAskedAt = now;
    epoch = next;
    const all = digest ? [...summaries, digest] : summaries;
    const own = all.findLast(({ toTurn }) => toTurn <= next.firstTurn);
    summaries = all.filter((summary) => summary === own || summary.toTurn > next.firstTurn);
    if (owed?.epoch === epoch.number) keep(owed.made);
    owed = undefined;
    if (!wantsSummary) return;
    const made = summaryOf(wantsSummary);
    if (step.upkeep === "lost") return;
    if (step.upkeep === "failed") epoch = { ...epoch, summaryFailed: true };
    else if (step.upkeep === "late") owed = { made, epoch: epoch.number };
    else keep(made);
  }

  function keep(made: Summary): void {
    epoch = { ...epoch, summaryFailed: false };
    summaries = [...summaries.filter(({ toTurn }) => toTurn < made.toTurn), made];
  }

  /** Says which turns it was made of, so that a test can see what each stands for. */
  function summaryOf({ fromTurn, toTurn }: { fromTurn: number; toTurn: number }): Summary {
    const before = summaries.find((summary) => summary.toTurn === fromTurn)?.text ?? "";
    const read = Array.from({ length: toTurn - fromTurn }, (_, offset) => `<${fromTurn + offset}>`).join("");
    return { fromTurn, toTurn, text: before + read, by: "model" };
  }

  return {
    ask,
    turns,
    get epoch() {
      return epoch;
    },
    get summaries() {
      return summaries;
    },
  };
}

/** A session of equal turns, for arithmetic. */
export const plainStep = (index: number, tokens = 100): Step => ({
  incoming: [sized("user", tokens / 2, `question ${index} `)],
  answer: sized("assistant", tokens / 2, `answer ${index} `),
});

/** Plays equal turns until one is as wanted, and gives back all of them. */
export function playUntil(
  session: ReturnType<typeof createSession>,
  wanted: (asked: Asked) => boolean,
  step: Partial<Step> = {},
): Asked[] {
  const asked: Asked[] = [];
  for (let tries = 0; tries < 1_000; tries += 1) {
    const last = session.ask({ ...plainStep(session.turns.length), ...step });
    asked.push(last);
    if (wanted(last)) return asked;
  }
  throw new Error("it never came");
}

export const isCut = ({ selection }: Asked): boolean => selection.cut !== undefined;
