import { GatewayError } from "../errors/gateway-error.ts";

/** Where a value stands in the body: `start` inclusive, `end` exclusive, in bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface BodyLimits {
  readonly maxDepth: number;
  readonly maxKeys: number;
  /** Fields and list items in one message, or in all else together: what is parsed in one go. A message counts as one. */
  readonly maxValues: number;
}

/** For what the gateway wrote or checked itself. */
export const noLimits: BodyLimits = { maxDepth: Infinity, maxKeys: Infinity, maxValues: Infinity };

export interface BodyMap {
  /** Values of the top-level members. */
  readonly members: ReadonlyMap<string, Span>;
  /** Elements of the top-level `messages`; `undefined` when it is absent or no array. */
  readonly messages: readonly Span[] | undefined;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Finds the members of a JSON object and the elements of its `messages` without parsing them, so that untouched bytes
 * can be forwarded as they came. It checks structure and limits only: every span is still to be parsed by JSON.parse.
 *
 * @throws GatewayError `body_not_json`, `body_too_deep`, `body_too_many_keys`, `invalid_request` (a key stands twice)
 */
export function scanBody(body: Buffer, limits: BodyLimits): BodyMap {
  return new Scanner(body, limits).scanObject();
}

/** Finds the elements of a JSON array in the same way. */
export function scanArray(array: Buffer, limits: BodyLimits): readonly Span[] {
  return new Scanner(array, limits).scanArray();
}

class Scanner {
  readonly #body: Buffer;
  readonly #limits: BodyLimits;
  #at = 0;
  #keys = 0;
  #values = 0;

  constructor(body: Buffer, limits: BodyLimits) {
    this.#body = body;
    this.#limits = limits;
  }

  scanObject(): BodyMap {
    const members = new Map<string, Span>();
    let messages: Span[] | undefined;
    this.#expect(OPEN_BRACE);
    for (let first = true; !this.#closes(CLOSE_BRACE, first); first = false) {
      const key = this.#readKey();
      if (members.has(key)) {
        throw new GatewayError("invalid_request", "a top-level key stands twice", {
          publicDetail: "The request body has the same key twice.",
          param: key.slice(0, 64),
        });
      }
      this.#expect(COLON);
      this.#skipSpace();
      const start = this.#at;
      if (key === "messages" && this.#body[start] === OPEN_BRACKET) messages = this.#readElements();
      else this.#skipValue(1);
      members.set(key, { start, end: this.#at });
    }
    this.#skipSpace();
    if (this.#at !== this.#body.length) throw notJson();
    return { members, messages };
  }

  scanArray(): readonly Span[] {
    const elements = this.#readElements();
    this.#skipSpace();
    if (this.#at !== this.#body.length) throw notJson();
    return elements;
  }

  /** Each is parsed by itself, so what one holds is counted by itself. */
  #readElements(): Span[] {
    const spans: Span[] = [];
    this.#expect(OPEN_BRACKET);
    for (let first = true; !this.#closes(CLOSE_BRACKET, first); first = false) {
      this.#countValue();
      const outside = this.#values;
      this.#values = 0;
      this.#skipSpace();
      const start = this.#at;
      this.#skipValue(2);
      spans.push({ start, end: this.#at });
      this.#values = outside;
    }
    return spans;
  }

  /** True and past it when the closing byte comes next; otherwise past the comma that must stand between items. */
  #closes(closing: number, first: boolean): boolean {
    this.#skipSpace();
    if (this.#body[this.#at] === closing) {
      this.#at += 1;
      return true;
    }
    if (!first) this.#expect(COMMA);
    return false;
  }

  #readKey(): string {
    this.#countKey();
    this.#countValue();
    this.#skipSpace();
    const start = this.#at;
    if (this.#body[start] !== QUOTE) throw notJson();
    this.#skipString();
    const inner = this.#body.toString("utf8", start + 1, this.#at - 1);
    if (!inner.includes("\\")) return inner;
    return String(parseJson(this.#body.toString("utf8", start, this.#at)));
  }

  #skipValue(depth: number): void {
    const first = this.#body[this.#at];
    if (first === QUOTE) this.#skipString();
    else if (first === OPEN_BRACE || first === OPEN_BRACKET) this.#skipNested(depth);
    else this.#skipScalar();
  }

  #skipNested(outerDepth: number): void {
    const body = this.#body;
    let depth = outerDepth;
    do {
      const byte = body[this.#at];
      if (byte === undefined) throw notJson();
      if (byte === QUOTE) {
        this.#skipString();
        continue;
      }
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        depth += 1;
        if (depth > this.#limits.maxDepth) throw new GatewayError("body_too_deep", "request body over the depth limit");
        this.#countValue();
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
      else if (byte === COLON) this.#countKey();
      else if (byte === COMMA) this.#countValue();
      this.#at += 1;
    } while (depth > outerDepth);
  }

  #skipScalar(): void {
    const start = this.#at;
    for (;;) {
      const byte = this.#body[this.#at];
      if (byte === undefined || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= 0x20) break;
      this.#at += 1;
    }
    if (this.#at === start) throw notJson();
  }

  #skipString(): void {
    const body = this.#body;
    const quote = body.indexOf(QUOTE, this.#at + 1);
    if (quote < 0) throw notJson();
    let backslashes = 0;
    while (body[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    this.#at = backslashes % 2 === 0 ? quote + 1 : this.#stringEnd(quote + 1);
  }

  /** Where one escaped quote stands there are many: a search for each would cost more than reading on does. */
  #stringEnd(from: number): number {
    const body = this.#body;
    for (let at = from; at < body.length; at += 1) {
      const byte = body[at];
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) return at + 1;
    }
    throw notJson();
  }

  #skipSpace(): void {
    for (;;) {
      const byte = this.#body[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at += 1;
    }
  }

  #expect(byte: number): void {
    this.#skipSpace();
    if (this.#body[this.#at] !== byte) throw notJson();
    this.#at += 1;
  }

  #countKey(): void {
    this.#keys += 1;
    if (this.#keys > this.#limits.maxKeys)
      throw new GatewayError("body_too_many_keys", "request body over the key limit");
  }

  /** Each list and object is opened for its first, and has a comma before every other. */
  #countValue(): void {
    this.#values += 1;
    if (this.#values > this.#limits.maxValues)
      throw new GatewayError("body_too_many_keys", "request body over the value limit");
  }
}

const notJson = (): GatewayError => new GatewayError("body_not_json", "request body is not JSON");

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatewayError("body_not_json", "request body is not JSON", { cause });
  }
}
