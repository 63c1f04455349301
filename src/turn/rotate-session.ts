import { GatewayError } from "../errors/gateway-error.ts";
import { encodeHead, type FormerId, type SessionHead } from "../session/session-head.ts";
import { incarnationOf } from "./open-session.ts";
import { knownRevision, type OpenedSession } from "./opened-session.ts";
import type { SessionCall } from "./session-door.ts";
import { nextRevision } from "./store-turn.ts";
import type { TurnRing } from "./turn-ring.ts";

/** A race is won within as many tries as there are writers. */
const MAX_CONFLICTS = 64;
/** More rotations than this within one grace period are not a client's, and the oldest ids lose their grace early. */
const MAX_FORMER = 8;

/**
 * Gives a session a new id. The old one is good for the grace period, in which it rotates to the same successor: of any
 * number of clients that rotate at once all get one new id. Rotating an id after its grace is a replay.
 *
 * @throws GatewayError `session_not_found`, `session_conflict`, `store_unavailable`
 */
export async function rotateSession(
  ring: TurnRing,
  session: OpenedSession,
  { sessionId, visitor }: SessionCall,
): Promise<OpenedSession> {
  const { key } = session.ref;
  return ring.appends.run(key, async () => {
    let base = ring.cache.peek(key, session.incarnation) ?? session;
    for (let tries = 0; tries < MAX_CONFLICTS; tries += 1) {
      if (base.head.sessionId !== sessionId) return base;
      const outcome = await commitRotation(ring, base);
      if (outcome.rotated) {
        ring.ports.audit.record({ event: "session_renewed", owner: visitor.owner, address: visitor.address });
        return outcome.rotated;
      }
      const newer = outcome.current && (await ring.cache.reopen(outcome.current, base, base.ref));
      if (newer?.incarnation !== base.incarnation) throw new GatewayError("session_not_found", "removed meanwhile");
      base = newer;
    }
    throw new GatewayError("session_conflict", "too many writers on one session");
  });
}

async function commitRotation({ ports, cache, links }: TurnRing, base: OpenedSession) {
  const { settings, clock, sessions } = ports;
  const successor = links.successorOf(base);
  // The link first: an id that leads nowhere yet is nobody's, a session without its link could not be reached.
  await links.link(base, successor, base.head.createdAt + settings.ttl.absoluteMs);
  const head: SessionHead = {
    ...base.head,
    sessionId: successor,
    rotation: {
      generation: (base.head.rotation?.generation ?? 0) + 1,
      former: formerIds(base.head, clock(), settings.rotationGraceMs),
    },
  };
  const rotated: OpenedSession = { ...base, head, revision: nextRevision(base, base.incarnation) };
  const known = knownRevision(base);
  const outcome = await sessions.commit({
    key: base.ref.key,
    expected: base.revision,
    revision: rotated.revision,
    fields: base.fields,
    head: base.sealer.seal("head", "", encodeHead(head)),
    ...(known && { known }),
  });
  if (!outcome.committed) {
    const isGone = !outcome.current || incarnationOf(outcome.current.revision) !== base.incarnation;
    if (isGone) await links.unlink(base, successor);
    return { rotated: undefined, current: outcome.current };
  }
  cache.keep(rotated);
  return { rotated, current: undefined };
}

function formerIds({ sessionId, rotation }: SessionHead, now: number, graceMs: number): FormerId[] {
  const inGrace = (rotation?.former ?? []).filter(({ until }) => until > now);
  return [...inGrace, { sessionId, until: now + graceMs }].slice(-MAX_FORMER);
}
