import type { KnownRevision, SealedTurn, SessionStore, StoredSession } from "../store/session-store.ts";

const READ_AT_ONCE = 64;

/** For a look at a session without its blobs where its revision is the known one. */
export const knownAs = (revision: string): KnownRevision => ({ revision, sequence: Number.MAX_SAFE_INTEGER });

/** Every turn of a session that was loaded cold, in order, those before `loadFrom` too. Gaps stay gaps. */
export async function* sessionTurns(
  sessions: SessionStore,
  key: string,
  { fields: { loadFrom }, turns }: StoredSession,
): AsyncGenerator<SealedTurn> {
  for (let from = 0; from < loadFrom; from += READ_AT_ONCE) {
    yield* await sessions.readTurns(key, from, Math.min(from + READ_AT_ONCE, loadFrom));
  }
  yield* turns;
}
