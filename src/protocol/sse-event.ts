/** Server-sent events as bytes, after the WHATWG HTML standard §9.2: lines end in LF, CR or CRLF, events in a blank line. */

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const LETTER_N = 0x6e;
const BYTE_ORDER_MARK = Buffer.from("\uFEFF");
const DATA_FIELD = Buffer.from("data:");
const DONE = Buffer.from("[DONE]");
const FINISH_REASON_KEY = Buffer.from('"finish_reason"');
const USAGE_KEY = Buffer.from('"usage"');

const IN_LINE = 0;
const LINE_START = 1;
const AFTER_LINE_CR = 2;
const AFTER_BLANK_CR = 3;

export interface BlankLineScanner {
  /** Index just past the next blank line at or after `from`, or -1. Chunks are handed in in order, each to its end. */
  next(bytes: Buffer, from: number): number;
}

/** Finds where events end, whatever the line ends are and wherever chunks were split. */
export function createBlankLineScanner(): BlankLineScanner {
  let state = LINE_START;
  return {
    next(bytes, from) {
      for (let index = from; index < bytes.length; index++) {
        const byte = bytes[index];
        if (byte === LF) {
          const blank = state === LINE_START || state === AFTER_BLANK_CR;
          state = LINE_START;
          if (blank) return index + 1;
        } else if (byte === CR) {
          const blank = state !== IN_LINE;
          state = blank ? AFTER_BLANK_CR : AFTER_LINE_CR;
          if (!blank) continue;
          if (bytes[index + 1] !== LF) return index + 1;
          state = LINE_START;
          return index + 2;
        } else {
          state = IN_LINE;
        }
      }
      return -1;
    },
  };
}

/** Parts bytes into events, blank lines included, by reference. What follows the last blank line is the last part. */
export function splitEvents(bytes: Buffer): Buffer[] {
  const scanner = createBlankLineScanner();
  const events: Buffer[] = [];
  let start = 0;
  for (let end = scanner.next(bytes, 0); end !== -1; end = scanner.next(bytes, end)) {
    events.push(bytes.subarray(start, end));
    start = end;
  }
  if (start < bytes.length) events.push(bytes.subarray(start));
  return events;
}

/** The data of one event, its lines joined by LF; `undefined` for comments and other events without data. */
export function eventData(event: Buffer): string | undefined {
  const start = startsWith(event, BYTE_ORDER_MARK, 0) ? BYTE_ORDER_MARK.length : 0;
  const lineEnd = endOfLine(event, start);
  if (startsWith(event, DATA_FIELD, start) && onlyLineEnds(event, lineEnd)) {
    const valueStart = start + DATA_FIELD.length;
    return event.toString("utf8", event[valueStart] === SPACE ? valueStart + 1 : valueStart, lineEnd);
  }
  return joinDataLines(event.toString("utf8", start));
}

/** The event with other data, its further lines kept: a mark of byte order, a comment, an id. */
export function replaceEventData(event: Buffer, data: string): Buffer {
  const text = event.toString("utf8");
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const others = text
    .slice(mark.length)
    .split(/\r\n|\r|\n/)
    .filter((line) => line !== "" && line !== "data" && !line.startsWith("data:"));
  return Buffer.from(`${mark}${[...others, `data: ${data}`].join("\n")}\n\n`);
}

export interface EventSignal {
  /** `[DONE]`. */
  readonly done: boolean;
  /** A choice has its finish reason here. */
  readonly finish: boolean;
  /** Carries a usage that is not null. */
  readonly usage: boolean;
  /** Carries usage and no choice: the chunk that only `stream_options.include_usage` asks for. */
  readonly usageOnly: boolean;
}

/** Whether any event in these bytes may end the stream or carry usage. A byte search: ordinary frames are not parsed. */
export function mayCarrySignal(bytes: Buffer): boolean {
  return hasValue(bytes, USAGE_KEY) || hasValue(bytes, FINISH_REASON_KEY) || bytes.includes(DONE);
}

/** What one event says about the end of the stream. */
export function readSignal(event: Buffer): EventSignal {
  const usage = hasValue(event, USAGE_KEY);
  return {
    done: event.includes(DONE) && eventData(event)?.trim() === "[DONE]",
    finish: hasValue(event, FINISH_REASON_KEY),
    usage,
    usageOnly: usage && hasNoChoices(eventData(event) ?? ""),
  };
}

/** A quote inside a JSON string is escaped, so a match of `"key"` before a colon is a key. */
function hasValue(bytes: Buffer, key: Buffer): boolean {
  for (let at = bytes.indexOf(key); at !== -1; at = bytes.indexOf(key, at + key.length)) {
    const colon = skipBlanks(bytes, at + key.length);
    if (bytes[colon] === COLON && bytes[skipBlanks(bytes, colon + 1)] !== LETTER_N) return true;
  }
  return false;
}

function hasNoChoices(data: string): boolean {
  try {
    const chunk: unknown = JSON.parse(data);
    return (
      typeof chunk === "object" &&
      chunk !== null &&
      "choices" in chunk &&
      Array.isArray(chunk.choices) &&
      chunk.choices.length === 0
    );
  } catch {
    return false;
  }
}

function joinDataLines(text: string): string | undefined {
  const values: string[] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line === "data") values.push("");
    else if (line.startsWith("data:")) values.push(line.slice(line[5] === " " ? 6 : 5));
  }
  return values.length > 0 ? values.join("\n") : undefined;
}

function startsWith(bytes: Buffer, prefix: Buffer, at: number): boolean {
  for (let index = 0; index < prefix.length; index++) {
    if (bytes[at + index] !== prefix[index]) return false;
  }
  return true;
}

function endOfLine(bytes: Buffer, from: number): number {
  let index = from;
  while (index < bytes.length && bytes[index] !== LF && bytes[index] !== CR) index++;
  return index;
}

function onlyLineEnds(bytes: Buffer, from: number): boolean {
  for (let index = from; index < bytes.length; index++) {
    if (bytes[index] !== LF && bytes[index] !== CR) return false;
  }
  return true;
}

function skipBlanks(bytes: Buffer, from: number): number {
  let index = from;
  while (bytes[index] === SPACE || bytes[index] === 0x09) index++;
  return index;
}
