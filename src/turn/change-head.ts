import { GatewayError } from "../errors/gateway-error.ts";
import { encodeHead, type SessionHead } from "../session/session-head.ts";
import type { StoredSession } from "../store/session-store.ts";
import { knownRevision, type OpenedSession } from "./opened-session.ts";
import { nextRevision } from "./store-turn.ts";
import type { TurnRing } from "./turn-ring.ts";

/** A race is won within as many tries as there are writers. */
const MAX_CONFLICTS = 64;

export interface HeadOutcome {
  /** The session under its new head, or `undefined` when another writer was first. */
  readonly changed: OpenedSession | undefined;
  /** What stands there instead, if anything does. */
  readonly current: StoredSession | undefined;
}

/**
 * Has `attempt` change a session's head until no other writer is between, behind appends of this replica that are under way.
 *
 * @throws GatewayError `session_not_found`, `session_conflict`, and what `attempt` throws
 */
export function changeHead(
  ring: TurnRing,
  session: OpenedSession,
  attempt: (base: OpenedSession) => Promise<HeadOutcome>,
): Promise<OpenedSession> {
  const { key } = session.ref;
  return ring.appends.run(key, async () => {
    let base = ring.cache.peek(key, session.incarnation) ?? session;
    for (let tries = 0; tries < MAX_CONFLICTS; tries += 1) {
      const { changed, current } = await attempt(base);
      if (changed) return changed;
      const newer = current && (await ring.cache.reopen(current, base, base.ref));
      if (newer?.incarnation !== base.incarnation) throw new GatewayError("session_not_found", "removed meanwhile");
      base = newer;
    }
    throw new GatewayError("session_conflict", "too many writers on one session");
  });
}

/** One try: the turns and the expiry stay as they are. @throws GatewayError `store_unavailable` */
export async function commitHead(
  { ports, cache }: TurnRing,
  base: OpenedSession,
  head: SessionHead,
): Promise<HeadOutcome> {
  const changed: OpenedSession = { ...base, head, revision: nextRevision(base, base.incarnation) };
  const known = knownRevision(base);
  const outcome = await ports.sessions.commit({
    key: base.ref.key,
    expected: base.revision,
    revision: changed.revision,
    fields: base.fields,
    head: base.sealer.seal("head", "", encodeHead(head)),
    ...(known && { known }),
  });
  if (!outcome.committed) return { changed: undefined, current: outcome.current };
  cache.keep(changed);
  return { changed, current: undefined };
}
