import { headOf, messagesOf, turnsFrom } from "./atoms.ts";
import { type Decision, decideCut } from "./decide-cut.ts";
import { createExtractiveDigest } from "./extractive-digest.ts";
import type {
  CompactionRule,
  HistoryMessage,
  HistoryTurn,
  HistoryView,
  Selection,
  Summary,
} from "./history-strategy.ts";
import { beginEpoch, nextEpoch } from "./next-epoch.ts";
import { repair } from "./repair.ts";
import { type Situation, surveySituation } from "./situation.ts";
import { createSummaryMessage } from "./summary-message.ts";

/** What `window` and `hybrid` share: a context that grows until a cut pays, and then shrinks to its low water. */
export function compactHistory(view: HistoryView, rule: CompactionRule): Selection {
  const situation = surveySituation(view, rule);
  const decision = decideCut(situation);
  const { digest, summary } = summarise(situation, decision);
  const history = messagesOf(turnsFrom(view, decision.first));
  if (summary) history.unshift(...frontMessage(situation, decision, summary));
  const { cut, wantsSummary, turnsToCut } = decision;
  return {
    ...repair({ history, incoming: view.incoming }, (text) => view.countText(text)),
    epoch: digest ? beginEpoch(view.epoch, decision.first) : nextEpoch(view.epoch, decision.first, decision.ledger),
    cut,
    digest,
    wantsSummary,
    turnsToCut,
  };
}

interface Summarised {
  /** Made on the spot. */
  readonly digest: Summary | undefined;
  /** Shown in front of the turns. */
  readonly summary: Summary | undefined;
}

/** A digest is made where a cut takes turns that no summary stands for. */
function summarise({ view, rule, shelf }: Situation, { first, cut }: Decision): Summarised {
  const shown = shelf.shownAt(first);
  if (rule.summaryMode === "off" || cut === undefined || first <= (shown?.toTurn ?? 0)) {
    return { digest: undefined, summary: shown };
  }
  const previous = shelf.upTo(first);
  const fromTurn = Math.max(previous?.toTurn ?? 0, view.firstLoadedTurn);
  const evicted = view.turns.slice(fromTurn - view.firstLoadedTurn, first - view.firstLoadedTurn);
  const job = {
    turns: [...evicted, ...cutAlong(view.turns[first - view.firstLoadedTurn])],
    previous,
    maxTokens: view.knobs.summaryTokens,
  };
  const text = createExtractiveDigest(job, (part) => view.countText(part));
  const digest: Summary = { fromTurn, toTurn: first, text, by: "extractive" };
  return { digest, summary: digest };
}

/** What a cut takes of the first turn it leaves: results of calls that are gone. */
function cutAlong(turn: HistoryTurn | undefined): HistoryTurn[] {
  return turn ? [{ ...turn, stored: headOf(turn.stored) }] : [];
}

/** No message where there is nothing to tell, or where the cap leaves no room for it once all else was cut. */
function frontMessage(situation: Situation, { first }: Decision, summary: Summary): HistoryMessage[] {
  const { view, timeline, fixedTokens } = situation;
  if (summary.text === "") return [];
  const message = createSummaryMessage(summary, view.knobs.summaryRole, (text) => view.countText(text));
  return fixedTokens + message.tokens + timeline.tokensFrom(first) > view.knobs.maxTokens ? [] : [message];
}
