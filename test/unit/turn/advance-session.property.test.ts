import fc from "fast-check";
import { expect, it } from "vitest";

import { nextEpoch } from "../../../src/history/next-epoch.ts";
import { rewindEpoch } from "../../../src/history/rewind-epoch.ts";
import { transcriptMessages } from "../../../src/session/active-turns.ts";
import { advanceSession, needsOlderTurns } from "../../../src/turn/advance-session.ts";
import type { OpenedSession } from "../../../src/turn/opened-session.ts";
import type { TurnDraft } from "../../../src/turn/turn-draft.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { message, openedSession, turnDraft } from "./turn-fixtures.ts";

const RUNS = inCiOrProving(2_000, 50_000);

/** One turn: what its writer had seen, where it goes on, what it makes of the epoch, and what a replica holds of it. */
const moves = fc.record({
  /** How many commits of others came since its snapshot. */
  lag: fc.nat(4),
  keeps: fc.option(fc.nat(), { nil: undefined, freq: 4 }),
  begins: fc.option(fc.nat(), { nil: undefined, freq: 2 }),
  hasDigest: fc.boolean(),
  choice: fc.nat(1),
  answers: fc.nat(2),
  /** Whether turns before the epoch are let go, as by the replica that stores the turn; one that reads holds on. */
  letsGo: fc.boolean(),
});
type Move = typeof moves extends fc.Arbitrary<infer T> ? T : never;

function draftOn({ head, active, summaries }: OpenedSession, id: string, move: Move): TurnDraft {
  const keep = move.keeps === undefined ? active.length : move.keeps % (active.length + 1);
  const { epoch } = rewindEpoch(head.epoch, summaries, keep);
  const firstTurn = move.begins === undefined ? epoch.firstTurn : move.begins % (keep + 1);
  const record = {
    id,
    rewindTo: keep < active.length ? (active[keep - 1]?.record.id ?? "") : undefined,
    previousChoice: move.choice,
    messages: [message("user", `question ${id}`, 3)],
    answers: Array.from({ length: move.answers }, (_, choice) => message("assistant", `${choice} ${id}`, 5 + choice)),
  };
  const isCut = firstTurn !== epoch.firstTurn;
  const digest = { fromTurn: 0, toTurn: firstTurn, text: id, by: "extractive" as const };
  return turnDraft(record, {
    epoch: {
      parent: epoch.number,
      state: nextEpoch(epoch, firstTurn, 1),
      cut: isCut ? "ledger" : undefined,
      after: active[firstTurn - 1]?.record.id,
      carried: 1,
      digest: isCut && move.hasDigest ? digest : undefined,
    },
  });
}

it("a turn stored behind what a replica holds makes the session that all turns would make, however its writers race", () => {
  fc.assert(
    fc.property(fc.array(moves, { minLength: 1, maxLength: 30 }), (played) => {
      const empty = openedSession([]);
      const all = [empty];
      let held = empty;
      for (const [index, move] of played.entries()) {
        const whole = all.at(-1) ?? empty;
        const draft = draftOn(all.at(-1 - move.lag) ?? empty, `t${index}`, move);
        const base = needsOlderTurns(held, draft) ? whole : held;
        const [advanced, told] = [advanceSession(base, draft), advanceSession(whole, draft)];
        const messages = transcriptMessages(told.active);
        expect({ ...advanced, active: [] }).toEqual({ ...told, active: [] });
        expect(told.head).toMatchObject({
          turns: told.active.length,
          messages: messages.length,
          tokens: messages.reduce((sum, { tokens }) => sum + tokens, 0),
        });
        const { active, summaries } = told;
        const now = { ...whole, head: { ...whole.head, ...told.head }, active, summaries };
        const front = move.letsGo ? now.head.front : base.front;
        all.push(now);
        held = { ...now, front, active: active.slice(front.turns) };
      }
    }),
    { numRuns: RUNS },
  );
});
