/** Deeper values are not worth a stack overflow; no client nests tool arguments like this. */
const MAX_DEPTH = 200;

/**
 * JSON with sorted keys and no spaces: equal for equal values, however they were written.
 *
 * @throws RangeError for a value nested deeper than 200 levels
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) throw new RangeError("nested too deeply");
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(",")}]`;
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member, depth + 1)}`).join(",")}}`;
}
