import { LRUCache } from "lru-cache";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Awaitable } from "../kit/awaitable.ts";
import type { KeyedQueue } from "../kit/keyed-queue.ts";
import type { SessionBinding } from "../session/session-head.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { RecallShelf } from "./recall-shelf.ts";
import type { SessionCache } from "./session-cache.ts";
import type { SessionPlace } from "./session-links.ts";
import type { SessionVisitor } from "./session-visitor.ts";
import type { BindingRule, TurnPorts } from "./turn-ports.ts";

/** What stands between an id and the session behind it, on every route. */
export interface SessionDoor {
  /**
   * The session, if this id and this visitor may have it; `undefined` when there is none.
   *
   * An id that was rotated away and is used after its grace was stolen or forgotten: the session ends.
   * @throws GatewayError `session_not_found` for an id that has ended, `session_bound_elsewhere`
   */
  open(place: SessionPlace, asked: SessionCall): Promise<OpenedSession | undefined>;
  /** Whether the visitor may know of the session at all: one that is bound elsewhere is not in his list. */
  shows(session: Pick<OpenedSession, "ref" | "head">, visitor: SessionVisitor): boolean;
  /** What a session that this visitor begins is bound to; `undefined` where nothing is configured. */
  bindingOf(key: string, visitor: SessionVisitor): SessionBinding | undefined;
}

export interface SessionCall {
  readonly sessionId: string;
  readonly visitor: SessionVisitor;
}

interface DoorParts {
  readonly ports: TurnPorts;
  readonly cache: SessionCache;
  readonly recall: RecallShelf;
  readonly appends: KeyedQueue;
}

const MAX_NOTED = 10_000;

interface BindingChange {
  readonly part: "ip" | "userAgent";
  readonly rule: BindingRule;
  readonly value: string;
}

export function createSessionDoor({ ports, cache, recall, appends }: DoorParts): SessionDoor {
  const { keyedHash, audit, clock, settings, sessions } = ports;
  /** A change is worth one entry of the audit log, not one for each request that follows. */
  const noted = new LRUCache<string, true>({ max: MAX_NOTED });
  const isBound = settings.binding.ip !== "off" || settings.binding.userAgent !== "off";

  const bindingOf = (key: string, { address, userAgent }: SessionVisitor): SessionBinding | undefined =>
    isBound
      ? {
          ip: settings.binding.ip === "off" ? undefined : keyedHash.hash("binding", key, "ip", address),
          userAgent: settings.binding.userAgent === "off" ? undefined : keyedHash.hash("binding", key, "ua", userAgent),
        }
      : undefined;

  const endReplayed = async ({ ref }: OpenedSession, { visitor }: SessionCall): Promise<never> => {
    await appends.run(ref.key, () => sessions.remove(ref.key));
    cache.drop(ref.key);
    recall.drop(ref.key);
    const { owner, address } = visitor;
    audit.record({ event: "session_use_after_expire", owner, address, reason: "rotated" });
    throw new GatewayError("session_not_found", "an id that was rotated away was used again: the session has ended");
  };

  const changesOf = ({ ref, head }: Pick<OpenedSession, "ref" | "head">, visitor: SessionVisitor): BindingChange[] => {
    const { binding } = head;
    if (!isBound || !binding) return [];
    const present = bindingOf(ref.key, visitor);
    return (["ip", "userAgent"] as const).flatMap((part) => {
      const rule = settings.binding[part];
      const isSame = rule === "off" || binding[part] === undefined || binding[part] === present?.[part];
      return isSame ? [] : [{ part, rule, value: present?.[part] ?? "" }];
    });
  };

  const checkBinding = (session: OpenedSession, { visitor }: SessionCall): void => {
    for (const change of changesOf(session, visitor)) {
      note(session, visitor, change);
      if (change.rule !== "enforce") continue;
      throw new GatewayError("session_bound_elsewhere", `the ${change.part} of a session changed`);
    }
  };

  const note = (
    { ref }: OpenedSession,
    { owner, address }: SessionVisitor,
    { part, rule, value }: BindingChange,
  ): void => {
    const name = `${ref.key}:${value}`;
    if (noted.has(name)) return;
    noted.set(name, true);
    const reason = `${part === "ip" ? "ip" : "user_agent"}_${rule === "enforce" ? "refused" : "observed"}`;
    audit.record({ event: "session_binding_changed", owner, address, reason });
  };

  const admit = (
    session: OpenedSession | undefined,
    { incarnation }: SessionPlace,
    call: SessionCall,
  ): Awaitable<OpenedSession | undefined> => {
    if (incarnation !== undefined && session?.incarnation !== incarnation) {
      throw new GatewayError("session_not_found", "the session that an id was made for has ended");
    }
    if (!session) return undefined;
    if (!mayStillBeUsed(session, call.sessionId, clock())) return endReplayed(session, call);
    checkBinding(session, call);
    return session;
  };

  return {
    bindingOf,
    shows: (session, visitor) => changesOf(session, visitor).every(({ rule }) => rule !== "enforce"),
    open: (place, call) => cache.load(place.ref).then((session) => admit(session, place, call)),
  };
}

/** The present id, or an earlier one within its grace. */
function mayStillBeUsed({ head }: OpenedSession, sessionId: string, now: number): boolean {
  if (head.sessionId === sessionId) return true;
  return head.rotation?.former.some((id) => id.sessionId === sessionId && id.until > now) ?? false;
}
