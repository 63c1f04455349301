import type { FormerId, SessionHead } from "../session/session-head.ts";
import { changeHead, commitHead, type HeadOutcome } from "./change-head.ts";
import { incarnationOf } from "./open-session.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { SessionCall } from "./session-door.ts";
import type { TurnRing } from "./turn-ring.ts";

/** More rotations than this within one grace period are not a client's, and the oldest ids lose their grace early. */
const MAX_FORMER = 8;

/**
 * Gives a session a new id. The old one is good for the grace period, in which it rotates to the same successor: of any
 * number of clients that rotate at once all get one new id. Rotating an id after its grace is a replay.
 *
 * @throws GatewayError `session_not_found`, `session_conflict`, `store_unavailable`
 */
export function rotateSession(
  ring: TurnRing,
  session: OpenedSession,
  { sessionId, visitor }: SessionCall,
): Promise<OpenedSession> {
  return changeHead(ring, session, async (base) => {
    if (base.head.sessionId !== sessionId) return { changed: base, current: undefined };
    const outcome = await commitRotation(ring, base);
    const { owner, address } = visitor;
    if (outcome.changed) ring.ports.audit.record({ event: "session_renewed", owner, address });
    return outcome;
  });
}

async function commitRotation(ring: TurnRing, base: OpenedSession): Promise<HeadOutcome> {
  const { settings, clock } = ring.ports;
  const successor = ring.links.successorOf(base);
  // The link first: an id that leads nowhere yet is nobody's, a session without its link could not be reached.
  await ring.links.link(base, successor, base.head.createdAt + settings.ttl.absoluteMs);
  const outcome = await commitHead(ring, base, {
    ...base.head,
    sessionId: successor,
    rotation: {
      generation: (base.head.rotation?.generation ?? 0) + 1,
      former: formerIds(base.head, clock(), settings.rotationGraceMs),
    },
  });
  const { changed, current } = outcome;
  const isGone = !changed && (!current || incarnationOf(current.revision) !== base.incarnation);
  if (isGone) await ring.links.unlink(base, successor);
  return outcome;
}

function formerIds({ sessionId, rotation }: SessionHead, now: number, graceMs: number): FormerId[] {
  const inGrace = (rotation?.former ?? []).filter(({ until }) => until > now);
  return [...inGrace, { sessionId, until: now + graceMs }].slice(-MAX_FORMER);
}
