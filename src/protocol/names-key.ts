const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** Each character may be written as `\u0000`. */
const LONGEST_ESCAPE = 6;

/**
 * Whether any object in valid JSON has the key, in whatever case and escapes it is written. Where a key stands twice,
 * JSON.parse shows the last value and another parser may take the first: this sees both.
 */
export function namesKey(json: Buffer, key: string): boolean {
  const longest = key.length * LONGEST_ESCAPE + 2;
  for (let start = json.indexOf(QUOTE); start >= 0;) {
    const end = endOfString(json, start);
    if (end < 0) return false;
    if (end - start <= longest && isBeforeColon(json, end)) {
      const name: unknown = JSON.parse(json.toString("utf8", start, end));
      if (typeof name === "string" && name.toLowerCase() === key) return true;
    }
    start = json.indexOf(QUOTE, end);
  }
  return false;
}

function endOfString(json: Buffer, start: number): number {
  for (let from = start + 1; ;) {
    const quote = json.indexOf(QUOTE, from);
    if (quote < 0) return -1;
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    from = quote + 1;
    if (backslashes % 2 === 0) return from;
  }
}

function isBeforeColon(json: Buffer, end: number): boolean {
  let at = end;
  while (json[at] === 0x20 || json[at] === 0x0a || json[at] === 0x0d || json[at] === 0x09) at += 1;
  return json[at] === COLON;
}
