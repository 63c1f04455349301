import type { Awaitable } from "../kit/awaitable.ts";
import { turnPrints } from "../session/active-turns.ts";
import { reconcile } from "../session/reconcile-conversation.ts";
import type { Reconciled, TranscriptPrint } from "../session/reconcile.ts";
import { emptyFront, noHabits } from "../session/session-head.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { TurnInput } from "./plan-turn.ts";
import type { SessionCache } from "./session-cache.ts";

interface ReconciledSession {
  /** The snapshot, with older turns where they were needed. */
  readonly session: OpenedSession | undefined;
  readonly reconciled: Reconciled;
}

/** Finds what of a request is new. Waits only where older turns are needed. */
export function reconcileRequest(
  cache: SessionCache,
  input: TurnInput,
  snapshot: OpenedSession | undefined,
): Awaitable<ReconciledSession> {
  const first = reconcile(printOf(snapshot), input.incoming, input.request.mode);
  return "needsTurnsFrom" in first
    ? reconcileWhole(cache, input, snapshot)
    : { session: snapshot, reconciled: replacing(first, snapshot, input.replaces) };
}

async function reconcileWhole(
  cache: SessionCache,
  { incoming, request, replaces }: TurnInput,
  snapshot: OpenedSession | undefined,
): Promise<ReconciledSession> {
  const session = snapshot && (await cache.loadAll(snapshot));
  const reconciled = reconcile(printOf(session), incoming, request.mode);
  if ("needsTurnsFrom" in reconciled) throw new TypeError("reconcile asked for turns it was given");
  return { session, reconciled: replacing(reconciled, session, replaces) };
}

/** In delta mode nothing in the messages tells that they repeat an unfinished turn; the retry itself does. */
function replacing(
  reconciled: Reconciled,
  session: OpenedSession | undefined,
  keepTurns: number | undefined,
): Reconciled {
  if (keepTurns === undefined || reconciled.mode !== "delta") return reconciled;
  const last = session?.active[keepTurns - 1 - session.front.turns];
  return { ...reconciled, keepTurns, previousChoice: last?.chosen ?? 0 };
}

function printOf(session: OpenedSession | undefined): TranscriptPrint {
  const front = session?.front ?? emptyFront;
  const { preamble, preambleChain, replayed } = session?.head.habits ?? noHabits;
  return {
    firstTurn: front.turns,
    messagesBefore: front.messages,
    chainBefore: front.printChain,
    turns: session ? turnPrints(session.active) : [],
    preamble,
    preambleChain,
    replayed,
  };
}
