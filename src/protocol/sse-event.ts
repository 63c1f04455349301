/** Server-sent events as bytes, after the WHATWG HTML standard §9.2: lines end in LF, CR or CRLF, events in a blank line. */

import { type JsonObject, parseJsonObject } from "./json-object.ts";

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const LETTER_N = 0x6e;
const DONE = Buffer.from("[DONE]");
const USAGE_KEY = Buffer.from('"usage"');
const ONE_LINE = "data: ";
const BLANK_LINE = "\n\n";

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
export const eventData = (event: Buffer): string | undefined => dataOf(event.toString("utf8"));

/** The data of every event that has some. */
export function eachData(events: Buffer, take: (data: string) => void): void {
  const text = events.toString("utf8");
  const parts = text.includes("\r") ? splitEvents(events).map(String) : text.split(BLANK_LINE);
  for (const part of parts) {
    const data = dataOf(part);
    if (data !== undefined) take(data);
  }
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

/** What one event says about the end of the stream. */
export interface EventSignal {
  /** `[DONE]`. */
  readonly done: boolean;
  /** Carries usage and no choice: the chunk that only `stream_options.include_usage` asks for. */
  readonly usageOnly: boolean;
}

/** Whether any event in these bytes may be a signal. A byte search: ordinary frames are not parsed. */
export const mayCarrySignal = (bytes: Buffer): boolean => bytes.includes(DONE) || hasUsage(bytes);

export function readSignal(event: Buffer): EventSignal {
  if (!mayCarrySignal(event)) return { done: false, usageOnly: false };
  const data = eventData(event) ?? "";
  return { done: data.trim() === "[DONE]", usageOnly: isUsageOnly(parseJsonObject(data)) };
}

const isUsageOnly = (chunk: JsonObject | undefined): boolean =>
  chunk !== undefined &&
  chunk["usage"] !== undefined &&
  chunk["usage"] !== null &&
  Array.isArray(chunk["choices"]) &&
  chunk["choices"].length === 0;

/** One that is not null. A quote inside a JSON string is escaped, so a match of `"usage"` before a colon is a key. */
function hasUsage(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(USAGE_KEY); at !== -1; at = bytes.indexOf(USAGE_KEY, at + USAGE_KEY.length)) {
    const colon = skipBlanks(bytes, at + USAGE_KEY.length);
    if (bytes[colon] === COLON && bytes[skipBlanks(bytes, colon + 1)] !== LETTER_N) return true;
  }
  return false;
}

function skipBlanks(bytes: Buffer, from: number): number {
  let index = from;
  while (bytes[index] === SPACE || bytes[index] === 0x09) index++;
  return index;
}

function dataOf(event: string): string | undefined {
  // Nearly every event is one such line, and this the cheapest way to see it.
  if (event.startsWith(ONE_LINE) && !event.includes("\r")) {
    const end = event.indexOf("\n");
    if (end === -1) return event.slice(ONE_LINE.length);
    if (end >= event.length - BLANK_LINE.length && event.endsWith("\n")) return event.slice(ONE_LINE.length, end);
  }
  return joinDataLines(event.startsWith("\uFEFF") ? event.slice(1) : event);
}

function joinDataLines(text: string): string | undefined {
  const values: string[] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line === "data") values.push("");
    else if (line.startsWith("data:")) values.push(line.slice(line[5] === " " ? 6 : 5));
  }
  return values.length > 0 ? values.join("\n") : undefined;
}
