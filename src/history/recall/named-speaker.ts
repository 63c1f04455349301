import type { RecallQuery } from "./read-query.ts";
import type { RecallUnit } from "./recall-index.ts";
import type { RecallPart } from "./searched-part.ts";

/** Of those who speak, whom a question names. */
export interface NamedSpeaker {
  /** Words of the question that are their names. */
  readonly names: ReadonlySet<string>;
  /** Whether the one whom it names made the remark; of nobody where it names several. */
  spokeIn(unit: RecallUnit): boolean;
}

/** A name that opens or addresses fewer remarks is none, such as "Note: ". */
const MIN_REMARKS = 3;
/** Of the remarks that address somebody by a name, those of one role: the name is the other's then. */
const MIN_OF_ONE_ROLE = 0.8;
/** Of that role's remarks with the name, those that address somebody by it: places and things are spoken of. */
const MIN_ADDRESSING = 0.75;

/** Speakers are known by the name that their remarks open with, or else by the name the other one calls them. */
export function namedSpeaker(parts: readonly RecallPart[], { words, termOf }: RecallQuery): NamedSpeaker {
  const opening = openingNames(parts).filter((name) => wordsOf(name).every((word) => words.has(word)));
  const called = [...words].flatMap((word) => {
    const role = roleCalled(parts, word, termOf(word));
    return role === undefined ? [] : [{ word, role }];
  });
  const names = new Set([...opening.flatMap(wordsOf), ...called.map(({ word }) => word)]);
  const roles = new Set(called.map(({ role }) => role));
  const [only] = opening;
  if (only !== undefined) return { names, spokeIn: ({ name }) => opening.length === 1 && name === only };
  return { names, spokeIn: ({ message }) => roles.size === 1 && roles.has(message.role) };
}

const wordsOf = (name: string): string[] => name.split(/[\s'’-]+/);

function openingNames(parts: readonly RecallPart[]): string[] {
  const names = new Set(parts.flatMap(({ index }) => [...index.names.keys()]));
  const remarksOf = (name: string): number =>
    parts.reduce((sum, part) => sum + unitsWithin(part, part.index.names.get(name)).length, 0);
  return [...names].filter((name) => remarksOf(name) >= MIN_REMARKS);
}

/** The role of the one who is called so; `undefined` where nobody is, or now this and now that one. */
function roleCalled(parts: readonly RecallPart[], name: string, term: string | undefined): string | undefined {
  const calling = parts.flatMap((part) => unitsWithin(part, part.index.addressed.get(name)));
  if (calling.length < MIN_REMARKS || term === undefined) return undefined;
  const by = (role: string, units: readonly RecallUnit[]): number =>
    units.filter(({ message }) => message.role === role).length;
  const caller = ["user", "assistant"].find((role) => by(role, calling) >= calling.length * MIN_OF_ONE_ROLE);
  if (caller === undefined) return undefined;
  const having = parts.flatMap((part) =>
    unitsWithin(
      part,
      part.index.postings(term).filter((_, at) => at % 2 === 0),
    ),
  );
  if (by(caller, calling) < by(caller, having) * MIN_ADDRESSING) return undefined;
  return caller === "user" ? "assistant" : "user";
}

function unitsWithin({ index, turns }: RecallPart, positions: readonly number[] = []): RecallUnit[] {
  const count = index.unitsIn(turns);
  return positions.flatMap((position) => (position < count ? (index.units[position] ?? []) : []));
}
