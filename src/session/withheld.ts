/** What redaction took out of a session and may put back: values by placeholder, tools by their redacted name. */
export type Withheld = ReadonlyMap<string, string>;

export const nothingWithheld: Withheld = new Map();

/** Bounds of one session's map: it is opened with the session, and sealed anew by each turn that adds to it. */
const MAX_VALUES = 5_000;
const MAX_CHARACTERS = 1 << 20;

/**
 * The map with what came. What is known keeps its first spelling, so that an answer that is given again reads the same;
 * the oldest leave first when there is too much. The same map when nothing is new.
 */
export function addWithheld(held: Withheld, added: Withheld): Withheld {
  const fresh = [...added].filter(([standIn]) => !held.has(standIn));
  if (fresh.length === 0) return held;
  const all = [...held, ...fresh];
  let characters = 0;
  let first = all.length;
  while (first > 0 && all.length - first < MAX_VALUES) {
    const [standIn, value] = all[first - 1] ?? ["", ""];
    characters += standIn.length + value.length;
    if (characters > MAX_CHARACTERS) break;
    first -= 1;
  }
  return new Map(all.slice(first));
}
