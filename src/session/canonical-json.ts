/** What tool arguments never reach, and what keeps hostile ones from holding up everybody else. */
const MAX_DEPTH = 200;
const MAX_VALUES = 10_000;

/**
 * JSON with sorted keys and no spaces: equal for equal values, however they were written.
 *
 * @throws RangeError for more than 10,000 values, or a nesting of more than 200 levels
 */
export function canonicalJson(value: unknown): string {
  let values = 0;
  const print = (item: unknown, depth: number): string => {
    values += 1;
    if (depth > MAX_DEPTH || values > MAX_VALUES) throw new RangeError("too large to be compared as a value");
    if (typeof item !== "object" || item === null) return JSON.stringify(item) ?? "null";
    if (Array.isArray(item)) return `[${item.map((member) => print(member, depth + 1)).join(",")}]`;
    const members = item as Readonly<Record<string, unknown>>;
    const keys = Object.keys(members);
    if (keys.length > MAX_VALUES) throw new RangeError("too large to be compared as a value");
    return `{${keys
      .sort()
      .map((key) => `${JSON.stringify(key)}:${print(members[key], depth + 1)}`)
      .join(",")}}`;
  };
  return print(value, 0);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

/** Whether a JSON text holds too many values for `canonicalJson`: parsing them only to find that out is the slow part. */
export function hasTooManyValues(json: string): boolean {
  let values = 1;
  let isString = false;
  for (let at = 0; at < json.length && values <= MAX_VALUES; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) isString = !isString;
    else if (isString) at += code === BACKSLASH ? 1 : 0;
    else if (code === COMMA || code === OPEN_BRACKET || code === OPEN_BRACE) values += 1;
  }
  return values > MAX_VALUES;
}
