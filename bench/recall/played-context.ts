import type { HistoryKnobs, HistoryMessage, HistoryStrategy, HistoryView } from "../../src/history/history-strategy.ts";
import type { TokenCounter } from "../../src/tokens/token-counter.ts";
import { type Conversation, playConversation, type PlayOptions } from "../../src/turn/play-conversation.ts";
import { openPlayedRecall } from "../../src/turn/play-recall.ts";
import type { PriceProfile } from "../cost/price-profiles.ts";
import { countedMessage, recordedStream } from "../cost/recorded-streams.ts";
import type { Conversation as SaidConversation } from "./conversations.ts";

/** A conversation as requests, and the questions whose evidence it holds. */
export interface AskedConversation {
  readonly stream: Conversation;
  readonly questions: readonly AskedQuestion[];
}

export interface AskedQuestion {
  readonly message: HistoryMessage;
  readonly category: number;
  /** Texts of the remarks that answer it. */
  readonly evidence: readonly string[];
}

export type PlayedRecall = NonNullable<PlayOptions["recall"]>;

export interface PlayParts {
  readonly counter: TokenCounter;
  readonly profile: PriceProfile;
  readonly recall: PlayedRecall;
}

export interface Way {
  readonly name: string;
  readonly strategy: HistoryStrategy;
  readonly knobs: HistoryKnobs;
}

const EPISODE_GAP_MS = 300_000;

export function askedConversation(
  said: SaidConversation,
  parts: { counter: TokenCounter; showNames: boolean },
): AskedConversation {
  const texts = new Map(said.sessions.flatMap(({ turns }) => turns).map(({ id, text }) => [id, text.trim()]));
  const questions = said.questions.map(({ question, category, evidence }) => ({
    message: countedMessage(parts.counter, "user", question),
    category,
    evidence: evidence.flatMap((id) => texts.get(id) ?? []),
  }));
  return {
    stream: recordedStream(said, parts),
    questions: questions.filter(({ evidence }) => evidence.length > 0),
  };
}

/** Questions are no turns: they stand behind all that may be searched, so that their words are read beforehand. */
export function recallFor({ stream, questions }: AskedConversation, maxTokens: number): Promise<PlayedRecall> {
  const at = stream.exchanges.at(-1)?.at ?? 0;
  const asked = questions.map(({ message }) => ({ at, incoming: [message], answer: undefined }));
  return openPlayedRecall(
    { ...stream, exchanges: [...stream.exchanges, ...asked] },
    { maxTokens, episodeGapMs: EPISODE_GAP_MS },
  );
}

/** What a conversation was billed, and what the strategy would look at so long after its end. */
export function playToEnd(
  { stream }: AskedConversation,
  { strategy, knobs }: Way,
  { counter, profile, recall, afterMs }: PlayParts & { readonly afterMs: number },
): { readonly usd: number; readonly view: HistoryView } {
  let view: HistoryView | undefined;
  const watched: HistoryStrategy = {
    ...strategy,
    select: (seen) => {
      view = seen;
      return strategy.select(seen);
    },
  };
  const at = (stream.exchanges.at(-1)?.at ?? 0) + afterMs;
  const last = { at, incoming: [countedMessage(counter, "user", "?")], answer: undefined };
  const played = playConversation(
    { ...stream, exchanges: [...stream.exchanges, last] },
    {
      strategy: watched,
      knobs,
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

export interface AskedContext {
  /** Of the past, what a prompt holds: of every message the text. */
  readonly text: string;
  readonly tokens: number;
}

/** What of the past a prompt would hold, by question; each is asked by itself. */
export function contextsOf(view: HistoryView, { strategy }: Way, recall: PlayedRecall) {
  const selection = strategy.select(view);
  const sent = selection.history.map(
    ({ bytes }) => (JSON.parse(bytes.toString("utf8")) as { content: string }).content,
  );
  const sentText = sent.join("\n");
  const sentTokens = selection.history.reduce((sum, { tokens }) => sum + tokens, 0);
  return ({ message }: AskedQuestion): AskedContext => {
    const asked = { ...view, incoming: [message] };
    const recalled =
      (strategy.recalls && recall({ view: asked, selection: { ...selection, incoming: [message] } })) || "";
    return { text: `${sentText}\n${recalled}`, tokens: sentTokens + view.countText(recalled) };
  };
}

export const shareOf = (evidence: readonly string[], text: string): number =>
  evidence.filter((remark) => text.includes(remark)).length / evidence.length;
