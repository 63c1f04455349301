import { GatewayError } from "../errors/gateway-error.ts";
import { createKeyedQueue } from "../kit/keyed-queue.ts";
import type { SessionIdentity, SessionSealer } from "../sealing/sealer.ts";
import { decodeHead } from "../session/session-head.ts";
import { decodeSystem, decodeWithheld, SYSTEM_SLOT, WITHHELD_SLOT } from "../session/slots.ts";
import { decodeTurnRecord } from "../session/turn-record-codec.ts";
import type { DeliveryHooks, TurnCommit } from "../store/outbox/delivery-hooks.ts";
import { incarnationOf } from "./open-session.ts";
import { createSessionCache } from "./session-cache.ts";
import { storeTurn } from "./store-turn.ts";
import type { TurnDraft } from "./turn-draft.ts";
import type { TurnRing } from "./turn-ring.ts";

/** What delivering a waiting turn takes beyond repeating its commit. */
export function createDeliveryHooks(ring: TurnRing): DeliveryHooks {
  const { ports, tellUnreadable } = ring;
  const { sealer } = ports;
  const isStillTheirs = (commit: TurnCommit) => sealer.isCurrent(identityOf(commit), commit.head);
  return {
    isStillTheirs,
    async reappend(commit, sessions) {
      if (!(await isStillTheirs(commit))) return false;
      const draft = draftOf(await sealer.forSession(identityOf(commit)), commit);
      const ref = { key: commit.key, owner: commit.fields.owner };
      // What this replica holds of the session goes by the turn that waits, which the store never saw.
      const cache = createSessionCache({ ...ports, sessions, tellUnreadable, maxBytes: 1 });
      const snapshot = await cache.load(ref);
      if (!snapshot) return false;
      const parts = { ports: { ...ports, sessions }, cache, appends: createKeyedQueue() };
      const stored = await storeTurn(parts, { ref, snapshot, birth: undefined, draft });
      for (const held of [ring.cache, ring.recall]) held.drop(ref.key);
      return stored !== undefined;
    },
  };
}

const identityOf = ({ key, fields: { owner }, revision }: TurnCommit): SessionIdentity => ({
  key,
  owner,
  incarnation: incarnationOf(revision),
});

/**
 * The draft that a commit was made of, as far as its sealed parts tell. Another epoch than the one that stands is not
 * begun, and of the totals only what was billed is added: what the turn saved was against a history that is another now.
 *
 * @throws GatewayError `record_unreadable`
 */
function draftOf(keys: SessionSealer, { head: sealedHead, turn, slots }: TurnCommit): TurnDraft {
  const head = decodeHead(keys.open("head", "", sealedHead));
  const { sequence: _place, ...record } = decodeTurnRecord(keys.open("turn", turn.id, turn.sealed), turn);
  const { billing, sent, epoch, systemHash } = head;
  if (!billing || !sent) throw new GatewayError("record_unreadable", "a waiting turn whose head tells of no turn");
  const slot = (name: string): Buffer | undefined => {
    const sealed = slots?.get(name);
    return sealed ? keys.open("slot", name, sealed) : undefined;
  };
  const system = slot(SYSTEM_SLOT);
  const billedTokens = record.usage?.promptTokens ?? 0;
  return {
    sessionId: head.sessionId,
    binding: head.binding,
    title: head.title,
    habits: head.habits,
    system: system && systemHash !== undefined ? { hash: systemHash, messages: decodeSystem(system) } : undefined,
    withheld: decodeWithheld(slot(WITHHELD_SLOT)),
    epoch: { parent: epoch.number, state: epoch, cut: undefined, after: undefined, carried: 0, digest: undefined },
    billing,
    totals: { baselineTokens: billedTokens, sentTokens: billedTokens, savedUsd: 0, wouldSaveUsd: undefined },
    sent,
    askedAt: record.at,
    record,
  };
}
