import type { OpenedSession } from "./opened-session.ts";

/** What one summary is to tell of. */
export interface ToldTurns {
  /** As it was when the summary was wished for. */
  readonly session: OpenedSession;
  readonly fromTurn: number;
  readonly toTurn: number;
}

/**
 * Whether the turns stand, and no summary tells of them yet: they may have been rewound away meanwhile, or cut by another
 * replica's digest. An epoch that merely begins where the summary does takes nothing from it.
 */
export function isStillToTell(base: OpenedSession, { session, fromTurn, toTurn }: ToldTurns): boolean {
  if (base.incarnation !== session.incarnation || (base.summaries.at(-1)?.toTurn ?? 0) > fromTurn) return false;
  // What lies before an epoch stands as long as the epoch does.
  if (toTurn <= base.front.turns) return base.head.epoch.number === session.head.epoch.number;
  const last = session.active[toTurn - 1 - session.front.turns]?.record.id;
  return last !== undefined && base.active[toTurn - 1 - base.front.turns]?.record.id === last;
}
