import type { HeldTurns, HistoryMessage, HistoryTurn } from "../history/history-strategy.ts";
import type { RewoundEpoch } from "../history/rewind-epoch.ts";
import { type ActiveTurn, activeTurn } from "../session/active-turns.ts";
import type { Reconciled } from "../session/reconcile.ts";
import type { SessionHead } from "../session/session-head.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { IncomingMessage } from "./read-conversation.ts";

/** What a strategy is told of a session before its turns are loaded. */
export const heldTurns = (
  { epoch, summaries }: RewoundEpoch,
  { keepTurns, head }: { readonly keepTurns: number; readonly head: SessionHead | undefined },
): HeldTurns => ({
  turns: keepTurns,
  epochFirstTurn: epoch.firstTurn,
  tokens: head?.tokens ?? 0,
  // The front ends where the stored epoch begins; a rewind may have begun another.
  epochTokens: head && epoch.firstTurn === head.front.turns ? head.tokens - head.front.tokens : 0,
  summarised: summaries.reduce((newest, { toTurn }) => Math.max(newest, toTurn), 0),
});

/** The turns that stay, the last of them with the answer the client went on from. */
export function keptTurns(
  session: OpenedSession | undefined,
  { keepTurns, previousChoice }: Reconciled,
): readonly ActiveTurn[] {
  if (!session) return [];
  const { active, front } = session;
  const count = Math.max(0, keepTurns - front.turns);
  const kept = count === active.length ? active : active.slice(0, count);
  const last = kept.at(-1);
  if (!last || last.chosen === previousChoice) return kept;
  return [...kept.slice(0, -1), activeTurn(last.record, previousChoice)];
}

/** Messages of a superseded turn that the new turn repeats in front of its own. */
export function repeatedMessages(
  session: OpenedSession | undefined,
  { keepTurns, keepMessages }: Reconciled,
): readonly StoredMessage[] {
  const superseded = keepMessages > 0 ? session?.active[keepTurns - session.front.turns] : undefined;
  return superseded?.record.messages.slice(0, keepMessages) ?? [];
}

/** The turns that stay as a strategy sees them. */
export function historyTurns(
  session: OpenedSession | undefined,
  kept: readonly ActiveTurn[],
  {
    reconciled,
    incoming,
    travelsAsStored,
  }: { reconciled: Reconciled; incoming: readonly IncomingMessage[]; travelsAsStored: boolean },
): readonly HistoryTurn[] {
  const { freshFrom, replaysFrom } = reconciled;
  if (travelsAsStored || replaysFrom === undefined) return kept;
  // In replay mode what is kept verbatim is the client's own bytes: it never sees a placeholder of ours.
  const own = (stored: HistoryMessage, at: number): HistoryMessage => {
    const index = at - replaysFrom;
    const sent = index >= 0 && index < freshFrom ? incoming[index] : undefined;
    return sent ? { ...stored, bytes: sent.bytes, redactions: 0 } : stored;
  };
  let position = session?.front.messages ?? 0;
  return kept.map(({ stored }) => {
    const first = position;
    position += stored.length;
    return { messages: stored.map((message, at) => own(message, first + at)), stored };
  });
}
