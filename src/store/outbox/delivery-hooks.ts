import type { SealedTurn, SessionCommit, SessionStore } from "../session-store.ts";

/** A commit with a turn: what an outbox keeps. One that changes the head alone can be done again, and is refused. */
export type TurnCommit = SessionCommit & { readonly turn: SealedTurn };

/** What only whoever can open a session can do. Each rejects with `store_unavailable`, and is then asked again. */
export interface DeliveryHooks {
  /** Whether the key under which the commit is sealed is still its user's. Asked after a commit that begins a session. */
  isStillTheirs(commit: TurnCommit): Promise<boolean>;
  /**
   * Appends the turn behind what another replica has written since, straight into `sessions`, under the id it has.
   * False when its session or its user's key is gone.
   */
  reappend(commit: TurnCommit, sessions: SessionStore): Promise<boolean>;
}
