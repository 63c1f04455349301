import type { StoredTurnPrint } from "./reconcile.ts";
import type { StoredMessage, TurnRecord } from "./turn-record.ts";

/** A turn of the active transcript. */
export interface ActiveTurn {
  readonly record: TurnRecord;
  /** The choice the conversation went on from; 0 while nothing follows. */
  readonly chosen: number;
}

/**
 * The transcript after one more record of the log. A record that rewinds to a turn which is no longer active, because
 * another writer was first to rewind it away, is appended: nothing is lost.
 *
 * The turn rewound to must be among `active` if it is active at all: load it first.
 */
export const appendRecord = (active: readonly ActiveTurn[], record: TurnRecord): readonly ActiveTurn[] =>
  activeTurns([record], active);

/** The transcript that a log of records makes, oldest record first, behind what records before them made. */
export function activeTurns(records: readonly TurnRecord[], before: readonly ActiveTurn[] = []): readonly ActiveTurn[] {
  const active = [...before];
  for (const record of records) {
    active.length = keptCount(active, record.rewindTo);
    const last = active.pop();
    if (last) active.push(withChoice(last, record.previousChoice));
    active.push({ record, chosen: 0 });
  }
  return active;
}

function keptCount(active: readonly ActiveTurn[], rewindTo: string | undefined): number {
  if (rewindTo === undefined) return active.length;
  if (rewindTo === "") return 0;
  const index = active.findLastIndex(({ record }) => record.id === rewindTo);
  return index < 0 ? active.length : index + 1;
}

/** The same object where the choice stays. A parallel writer's record may follow a turn that has fewer choices. */
function withChoice(turn: ActiveTurn, choice: number): ActiveTurn {
  const chosen = choice < turn.record.answers.length ? choice : 0;
  return chosen === turn.chosen ? turn : { record: turn.record, chosen };
}

/** The answer that the transcript went on from; `undefined` when nothing usable arrived. */
export const chosenAnswer = ({ record, chosen }: ActiveTurn): StoredMessage | undefined => record.answers[chosen];

/** What a turn adds to the transcript: the request's messages and the chosen answer. */
export function turnMessages(turn: ActiveTurn): readonly StoredMessage[] {
  const answer = chosenAnswer(turn);
  return answer ? [...turn.record.messages, answer] : turn.record.messages;
}

/** Every message of the active transcript in order, with the chosen answers. */
export function transcriptMessages(active: readonly ActiveTurn[]): StoredMessage[] {
  return active.flatMap(turnMessages);
}

/** The same turns as reconciliation compares them. */
export function turnPrints(active: readonly ActiveTurn[]): StoredTurnPrint[] {
  return active.map(({ record: { messages, answers }, chosen }) => ({ messages, answers, chosen }));
}
