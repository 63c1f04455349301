import type { HistoryMessage, HistoryStrategy, HistoryView } from "../../src/history/history-strategy.ts";
import { strategyFor } from "../../src/history/strategy-registry.ts";
import type { TokenCounter } from "../../src/tokens/token-counter.ts";
import { type Conversation, playConversation, type PlayOptions } from "../../src/turn/play-conversation.ts";
import { openPlayedRecall } from "../../src/turn/play-recall.ts";
import { type Question, readConversations } from "../recall/conversations.ts";
import { slidingWindow } from "./fixed-strategies.ts";
import { knobsOf } from "./play-policies.ts";
import type { PriceProfile } from "./price-profiles.ts";
import { countedMessage, recordedStreams } from "./recorded-streams.ts";

/** What a way to send history costs, and what of the past a question finds in the prompt. */
export interface FrontierPoint {
  readonly name: string;
  /** Input and summaries, by conversation. */
  readonly usd: number;
  /** Share of the evidence remarks that stand word for word in the prompt of a question at the end. */
  readonly recall: number;
}

interface Way {
  readonly name: string;
  readonly strategy: HistoryStrategy;
  readonly floorTokens: number;
}

/** Tokens of recalled text: the default of `history.recall.maxTokens`. */
const RECALL_TOKENS = 2_000;
const EPISODE_GAP_MS = 300_000;

const ways: readonly Way[] = [
  { name: "full replay", strategy: strategyFor("full"), floorTokens: 0 },
  ...[2_000, 4_000, 8_000].map((floorTokens) => ({
    name: `sliding ${floorTokens / 1_000}k`,
    strategy: slidingWindow(floorTokens),
    floorTokens,
  })),
  { name: "window", strategy: strategyFor("window"), floorTokens: 2_000 },
  { name: "summary", strategy: strategyFor("summary"), floorTokens: 2_000 },
  { name: "semantic", strategy: strategyFor("semantic"), floorTokens: 2_000 },
  { name: "hybrid", strategy: strategyFor("hybrid"), floorTokens: 2_000 },
];

/** Plays every conversation of a LoCoMo-shaped file, and asks its questions at the end. Summaries are extracts. */
export async function measureFrontier(
  file: string,
  { counter, profile }: { counter: TokenCounter; profile: PriceProfile },
): Promise<FrontierPoint[]> {
  const streams = recordedStreams(file, counter);
  const asked = readConversations(file);
  const sums = ways.map(({ name }) => ({ name, usd: 0, found: 0, questions: 0 }));
  for (const [index, conversation] of streams.entries()) {
    const evidence = evidenceOf(asked[index]);
    const questions = evidence.map(({ question }) => countedMessage(counter, "user", question));
    const recall = await recallFor(conversation, questions);
    for (const [at, way] of ways.entries()) {
      const sum = sums[at];
      if (!sum) continue;
      const { usd, view } = play(conversation, way, { counter, profile, recall });
      sum.usd += usd;
      for (const [number, { texts }] of evidence.entries()) {
        const question = questions[number];
        if (!question) continue;
        const prompt = promptOf({ ...view, incoming: [question] }, way, recall);
        sum.found += texts.filter((text) => prompt.includes(text.trim())).length / texts.length;
        sum.questions += 1;
      }
    }
  }
  return sums.map(({ name, usd, found, questions }) => ({
    name,
    usd: usd / streams.length,
    recall: found / questions,
  }));
}

interface Asked {
  readonly question: string;
  readonly texts: readonly string[];
}

function evidenceOf(conversation: ReturnType<typeof readConversations>[number] | undefined): Asked[] {
  const turns = conversation?.sessions.flatMap((session) => session.turns) ?? [];
  const texts = new Map(turns.map(({ id, text }) => [id, text]));
  const withText = ({ question, evidence }: Question): Asked => ({
    question,
    texts: evidence.flatMap((id) => texts.get(id) ?? []),
  });
  return (conversation?.questions ?? []).map(withText).filter((asked) => asked.texts.length > 0);
}

type Recall = NonNullable<PlayOptions["recall"]>;

/** Questions are no turns: they stand behind all that may be searched, so that their words are read beforehand. */
function recallFor(conversation: Conversation, questions: readonly HistoryMessage[]): Promise<Recall> {
  const at = conversation.exchanges.at(-1)?.at ?? 0;
  const asked = questions.map((question) => ({ at, incoming: [question], answer: undefined }));
  return openPlayedRecall(
    { ...conversation, exchanges: [...conversation.exchanges, ...asked] },
    { maxTokens: RECALL_TOKENS, episodeGapMs: EPISODE_GAP_MS },
  );
}

interface PlayParts {
  readonly counter: TokenCounter;
  readonly profile: PriceProfile;
  readonly recall: Recall;
}

/** What the conversation was billed, and what a strategy would look at after its end. */
function play(conversation: Conversation, way: Way, { counter, profile, recall }: PlayParts) {
  let view: HistoryView | undefined;
  const watched: HistoryStrategy = {
    ...way.strategy,
    select: (seen) => {
      view = seen;
      return way.strategy.select(seen);
    },
  };
  const last = {
    at: conversation.exchanges.at(-1)?.at ?? 0,
    incoming: [countedMessage(counter, "user", "?")],
    answer: undefined,
  };
  const played = playConversation(
    { ...conversation, exchanges: [...conversation.exchanges, last] },
    {
      strategy: watched,
      knobs: { ...knobsOf("extractive", way.floorTokens), keepTurns: 5, summaryKeepTurns: 5, windowTurns: 10 },
      model: profile.name,
      prices: { priceOf: () => profile.price },
      promptCache: profile.promptCache,
      countText: (text) => counter.countText(text),
      recall,
      summarise: () => undefined,
    },
  );
  const bills = [...played].slice(0, -1).map(({ figures }) => figures.usd?.sent ?? 0);
  if (!view) throw new TypeError("a conversation without a request");
  return { usd: bills.reduce((sum, usd) => sum + usd, 0), view };
}

function promptOf(view: HistoryView, { strategy }: Way, recall: Recall): string {
  const selection = strategy.select(view);
  const recalled = strategy.recalls ? recall({ view, selection }) : undefined;
  const said = selection.history.map(
    ({ bytes }) => (JSON.parse(bytes.toString("utf8")) as { content: string }).content,
  );
  return [...said, recalled ?? ""].join("\n");
}
