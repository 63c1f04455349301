import { appended } from "../kit/appended.ts";
import type { StoredMessage, TurnRecord } from "./turn-record.ts";

/** A turn of the active transcript. Every request reads it, so what it says is put together once. */
export interface ActiveTurn {
  readonly record: TurnRecord;
  /** The choice the conversation went on from; 0 while nothing follows. */
  readonly chosen: number;
  /** What it adds to the transcript: the request's messages and the chosen answer. */
  readonly messages: readonly StoredMessage[];
  /** The same, for who is handed turns as they travel. */
  readonly stored: readonly StoredMessage[];
}

export function activeTurn(record: TurnRecord, chosen: number): ActiveTurn {
  const { messages, answers } = record;
  const answer = answers[chosen];
  const stored = answer ? appended(messages, answer) : messages;
  return { record, chosen, messages: stored, stored };
}

/**
 * The transcript after one more record of the log. A record that rewinds to a turn which is no longer active, because
 * another writer was first to rewind it away, is appended: nothing is lost.
 *
 * The turn rewound to must be among `active` if it is active at all: load it first.
 */
export function appendRecord(active: readonly ActiveTurn[], record: TurnRecord): readonly ActiveTurn[] {
  const last = active.at(-1);
  const goesOn =
    record.rewindTo === undefined && last !== undefined && withChoice(last, record.previousChoice) === last;
  return goesOn ? appended(active, activeTurn(record, 0)) : activeTurns([record], active);
}

/** The transcript that a log of records makes, oldest record first, behind what records before them made. */
export function activeTurns(records: readonly TurnRecord[], before: readonly ActiveTurn[] = []): readonly ActiveTurn[] {
  const active = [...before];
  for (const record of records) {
    active.length = keptCount(active, record.rewindTo);
    const last = active.pop();
    if (last) active.push(withChoice(last, record.previousChoice));
    active.push(activeTurn(record, 0));
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
  return chosen === turn.chosen ? turn : activeTurn(turn.record, chosen);
}

/** Every message of the active transcript in order, with the chosen answers. */
export function transcriptMessages(active: readonly ActiveTurn[]): StoredMessage[] {
  return active.flatMap(({ messages }) => messages);
}
