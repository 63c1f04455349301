/**
 * What a session's transcript must be, by the table in "Who owns the history", written for clarity and not for speed, from
 * nothing but the words of the conversation. Imports nothing from `src`: it is the other opinion.
 */

export interface SaidCall {
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, string>>;
}

/** A message as people mean it, whatever an SDK makes of it on the wire. */
export interface Said {
  readonly role: "user" | "assistant" | "tool";
  readonly text: string;
  readonly calls: readonly SaidCall[];
  readonly callId: string;
}

export type RequestedMode = "auto" | "delta" | "replay";
export type ExpectedMode = "new" | "delta" | "replay" | "edited" | "regenerated";

interface ReferenceTurn {
  readonly id: number;
  readonly messages: readonly Said[];
  readonly answers: readonly Said[];
  chosen: number;
}

/** A request that was understood against the transcript of that moment, and is not answered yet. */
export interface ReferenceExchange {
  readonly mode: ExpectedMode;
  readonly messages: readonly Said[];
  /** Turn after which it goes on, if that is not simply the last: `undefined` means "replace all". */
  readonly rewind: { readonly to: number | undefined } | undefined;
  readonly choice: number;
  readonly replays: boolean;
  readonly opening: readonly Said[];
}

export interface ReferenceConversation {
  begin(incoming: readonly Said[], requested: RequestedMode): ReferenceExchange;
  /** Appends the exchange, one answer per choice; none when nothing usable arrived. */
  finish(exchange: ReferenceExchange, answers: readonly Said[]): void;
  transcript(): Said[];
}

const same = (left: Said | undefined, right: Said | undefined): boolean =>
  JSON.stringify(left) === JSON.stringify(right);
const startsWith = (whole: readonly Said[], front: readonly Said[]): boolean =>
  front.length <= whole.length && front.every((said, at) => same(said, whole[at]));
const flatten = (turns: readonly ReferenceTurn[]): Said[] =>
  turns.flatMap(({ messages, answers, chosen }) => [...messages, ...answers.slice(chosen, chosen + 1)]);

export function createReferenceConversation(): ReferenceConversation {
  let turns: ReferenceTurn[] = [];
  let opening: readonly Said[] = [];
  let replayed = false;
  let nextId = 0;

  return {
    begin(incoming, requested) {
      const reading = read({ turns, opening, replayed }, incoming, requested);
      const kept = keptTurns(turns, reading);
      const last = kept.at(-1);
      const choice = last ? choiceIn(last, reading.transcript[flatten(kept).length - 1]) : 0;
      const isWhole = kept.length === turns.length;
      return {
        mode: reading.mode,
        messages: reading.transcript.slice(flatten(kept).length),
        rewind: isWhole ? undefined : { to: last?.id },
        choice,
        replays: requested === "replay" || reading.provesReplay,
        opening: kept.length === 0 && reading.isReopened ? fewShots(incoming) : opening,
      };
    },
    finish(exchange, answers) {
      const { rewind } = exchange;
      if (rewind && rewind.to === undefined) turns = [];
      const at = turns.findIndex(({ id }) => id === rewind?.to);
      if (rewind && at >= 0) turns = turns.slice(0, at + 1);
      const last = turns.at(-1);
      if (last) last.chosen = exchange.choice < last.answers.length ? exchange.choice : 0;
      turns.push({ id: nextId, messages: exchange.messages, answers, chosen: 0 });
      nextId += 1;
      replayed ||= exchange.replays;
      opening = exchange.opening;
    },
    transcript: () => flatten(turns),
  };
}

interface Known {
  readonly turns: readonly ReferenceTurn[];
  readonly opening: readonly Said[];
  readonly replayed: boolean;
}

interface Reading {
  readonly mode: ExpectedMode;
  /** The transcript that the model is asked to go on with. */
  readonly transcript: readonly Said[];
  readonly provesReplay: boolean;
  /** True when nothing before the client's own words stays, and they begin otherwise than the session did. */
  readonly isReopened: boolean;
}

function read(known: Known, incoming: readonly Said[], requested: RequestedMode): Reading {
  const { turns, opening, replayed } = known;
  const stored = flatten(turns);
  const plain = { provesReplay: false, isReopened: false };
  if (turns.length === 0) return { mode: "new", transcript: incoming, ...plain, isReopened: true };
  if (requested === "delta") return { mode: "delta", transcript: [...stored, ...incoming], ...plain };
  const opens = opening.length > 0 && incoming.length > opening.length && startsWith(incoming, opening);
  const real = opens ? incoming.slice(opening.length) : incoming;
  const isBare = real.every(({ role }) => role !== "assistant");
  const mayAppend = !replayed || real.length === 0 || real[0]?.role === "tool";
  if (requested === "auto" && isBare && mayAppend) return { mode: "delta", transcript: [...stored, ...real], ...plain };

  const place = bestPlace(turns, incoming, opens ? opening.length : 0);
  const result = place ? continued(stored, incoming, place) : { mode: "edited" as const, transcript: incoming };
  const answer = real.findIndex(({ role }) => role === "assistant");
  const answerAt = answer + incoming.length - real.length;
  const isStored = answer >= 0 && place !== undefined && answerAt < place.skipped + place.length;
  const provesReplay = isStored && real.slice(answer).some(({ role }) => role === "user");
  return { ...result, provesReplay, isReopened: !opens && (place?.start ?? 0) === 0 };
}

function fewShots(incoming: readonly Said[]): readonly Said[] {
  const length = incoming.findLastIndex(({ role }) => role === "assistant") + 1;
  const next = incoming[length];
  return !next || next.role === "tool" ? [] : incoming.slice(0, length);
}

interface Placed {
  /** Messages of the opening left out in front of a window. */
  readonly skipped: number;
  readonly start: number;
  readonly length: number;
  readonly reachesEnd: boolean;
}

function bestPlace(turns: readonly ReferenceTurn[], incoming: readonly Said[], opening: number): Placed | undefined {
  const stored = flatten(turns);
  const lastAnswers = turns.at(-1)?.answers ?? [];
  const fits = (at: number, said: Said | undefined): boolean =>
    at === stored.length - 1 && lastAnswers.length > 0
      ? lastAnswers.some((answer) => same(answer, said))
      : at < stored.length && same(stored[at], said);
  const places = [...new Set([0, opening])].flatMap((skipped) =>
    stored.flatMap((_, start): Placed[] => {
      if (skipped > 0 && start <= skipped) return [];
      let length = 0;
      while (skipped + length < incoming.length && fits(start + length, incoming[skipped + length])) length += 1;
      const found = incoming.slice(skipped, skipped + length);
      const counts = found.some(({ role }) => role === "assistant") || (start === 0 && length > 0);
      return counts ? [{ skipped, start, length, reachesEnd: start + length === stored.length }] : [];
    }),
  );
  return places.sort(byPreference)[0];
}

function byPreference(left: Placed, right: Placed): number {
  if (left.reachesEnd !== right.reachesEnd) return left.reachesEnd ? -1 : 1;
  const longer = right.skipped + right.length - (left.skipped + left.length);
  return longer === 0 ? right.start - left.start : longer;
}

function continued(
  stored: readonly Said[],
  incoming: readonly Said[],
  { skipped, start, length, reachesEnd }: Placed,
): Pick<Reading, "mode" | "transcript"> {
  const transcript = [...stored.slice(0, start), ...incoming.slice(skipped)];
  const isAll = skipped + length === incoming.length;
  if (!isAll) return { mode: reachesEnd ? "replay" : "edited", transcript };
  if (reachesEnd) return { mode: incoming.at(-1)?.role === "assistant" ? "replay" : "regenerated", transcript };
  return { mode: stored[start + length]?.role === "assistant" ? "regenerated" : "edited", transcript };
}

const choiceIn = ({ answers, chosen }: ReferenceTurn, answer: Said | undefined): number => {
  const choice = answers.findIndex((candidate) => same(candidate, answer));
  return choice < 0 ? chosen : choice;
};

/** The turns that the new transcript begins with, whole. */
function keptTurns(turns: readonly ReferenceTurn[], { mode, transcript }: Reading): readonly ReferenceTurn[] {
  if (mode === "new") return [];
  const fits = (count: number): boolean => {
    const kept = turns.slice(0, count);
    const last = kept.at(-1);
    if (!last || count < turns.length || last.answers.length === 0) return startsWith(transcript, flatten(kept));
    return last.answers.some((_, chosen) =>
      startsWith(transcript, flatten([...kept.slice(0, -1), { ...last, chosen }])),
    );
  };
  let count = turns.length;
  while (!fits(count)) count -= 1;
  // A question asked again takes the place of the one that got no answer.
  const isAskedAgain = mode === "regenerated" && transcript.length === flatten(turns.slice(0, count)).length;
  const asked = turns.slice(0, count).findLastIndex(({ messages, answers }) => messages.length + answers.length > 0);
  return turns.slice(0, isAskedAgain && turns[asked]?.answers.length === 0 ? asked : count);
}
