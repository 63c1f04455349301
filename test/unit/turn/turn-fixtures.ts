import { activeTurns } from "../../../src/session/active-turns.ts";
import { emptyFront, noHabits, type SessionHead } from "../../../src/session/session-head.ts";
import type { StoredMessage, TurnRecord } from "../../../src/session/turn-record.ts";
import { freshEpoch, noTotals } from "../../../src/turn/advance-session.ts";
import type { OpenedSession } from "../../../src/turn/opened-session.ts";
import type { TurnDraft } from "../../../src/turn/turn-draft.ts";

/** A message of `tokens` tokens; its fingerprints are its text. */
export const message = (role: string, text: string, tokens = 10): StoredMessage => ({
  role,
  bytes: Buffer.from(JSON.stringify({ role, content: text })),
  tokens,
  toolCallIds: [],
  toolCallId: undefined,
  redactions: 0,
  seen: text,
  stored: text,
});

export const turnRecord = (id: string, more: Partial<TurnRecord> = {}): TurnRecord => ({
  id,
  sequence: 0,
  at: 1_000,
  status: "complete",
  model: "gpt-5",
  rewindTo: undefined,
  previousChoice: 0,
  messages: [message("user", `question ${id}`)],
  answers: [message("assistant", `answer ${id}`)],
  finishReasons: ["stop"],
  usage: undefined,
  requestHash: `body of ${id}`,
  idempotencyHash: undefined,
  ...more,
});

const unused = (): never => {
  throw new Error("no test of these opens or seals anything");
};

/** A session that holds these records, all of them loaded. */
export function openedSession(records: readonly TurnRecord[], head: Partial<SessionHead> = {}): OpenedSession {
  const active = activeTurns(records);
  return {
    ref: { key: "key", owner: "owner" },
    incarnation: "i",
    revision: `i.${records.length}`,
    fields: { owner: "owner", createdAt: 0, expiresAt: 1e9, loadFrom: 0 },
    head: {
      sessionId: "chat",
      title: "title",
      createdAt: 0,
      lastActiveAt: 500,
      lastAskedAt: 500,
      strategy: undefined,
      records: records.length,
      recordChain: "",
      frontRecordChain: "",
      turns: active.length,
      messages: active.length * 2,
      tokens: active.length * 20,
      front: emptyFront,
      epoch: freshEpoch,
      habits: noHabits,
      systemHash: undefined,
      slotTags: {},
      billing: undefined,
      totals: noTotals,
      ...head,
    },
    sealer: { seal: unused, open: unused },
    log: records.map((record) => ({ ...record, chainBefore: "" })),
    logBytes: 0,
    front: head.front ?? emptyFront,
    active,
    system: [],
    summaries: [],
    withheld: new Map(),
  };
}

export const turnDraft = (record: Partial<TurnRecord> = {}, more: Partial<TurnDraft> = {}): TurnDraft => ({
  sessionId: "chat",
  record: turnRecord("new", record),
  binding: undefined,
  title: "question new",
  habits: noHabits,
  system: undefined,
  withheld: new Map(),
  epoch: { parent: 0, state: freshEpoch, cut: undefined, after: undefined, carried: 0, digest: undefined },
  billing: { model: "gpt-5", baselineTokens: 100, frontTokens: 0, billedRatio: 1 },
  totals: { baselineTokens: 100, sentTokens: 60, savedUsd: 0.5 },
  sent: {
    strategy: "hybrid",
    firstTurn: 0,
    leftOutBy: undefined,
    cut: undefined,
    messages: 1,
    placeholders: 0,
    tokens: 60,
    fullTokens: 100,
  },
  askedAt: 2_000,
  ...more,
});
