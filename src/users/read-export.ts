import { createHash } from "node:crypto";

import { GatewayError } from "../errors/gateway-error.ts";
import { parseChatRequest, type RequestMessage } from "../protocol/chat-request.ts";
import {
  type ExportEnd,
  exportEnd,
  exportHeader,
  parseExportLine,
  problemLine,
  type SessionLine,
  sessionLine,
  type TurnLine,
  turnLine,
} from "../protocol/export-lines.ts";
import { noLimits, parseJson } from "../protocol/scan-body.ts";
import type { FileLine } from "./split-lines.ts";

export interface ReadTurn {
  readonly line: TurnLine;
  /** The request's messages and then the answers, each with the bytes it stands in. */
  readonly messages: readonly RequestMessage[];
}

export interface ReadSession {
  /** Of the session's own line in the file: what is told of it names no ids. */
  readonly lineNumber: number;
  readonly line: SessionLine;
  readonly turns: readonly ReadTurn[];
  /** What the export itself said could not be read of it. */
  readonly problems: number;
}

/**
 * The sessions of an export, one at a time. Only when it ends without a complaint was the export whole: the last line
 * counts and hashes the others.
 *
 * @throws GatewayError `invalid_request` that names the line
 */
export async function* readExport(lines: AsyncIterable<FileLine>): AsyncGenerator<ReadSession, void> {
  const reader = createReader();
  for await (const line of lines) {
    const finished = reader.take(line);
    if (finished) yield finished;
  }
  reader.close();
}

interface OpenSession extends ReadSession {
  readonly turns: ReadTurn[];
  problems: number;
}

function createReader() {
  const sum = createHash("sha256");
  const counts = { sessions: 0, turns: 0, problems: 0 };
  let stage: "header" | "content" | "ended" = "header";
  let open: OpenSession | undefined;

  /** The session before, which ends where the next one begins. */
  const finish = (next?: OpenSession): ReadSession | undefined => {
    const finished = open && closed(open);
    open = next;
    return finished;
  };
  const takeContent = (read: ContentLine, number: number): ReadSession | undefined => {
    counts[`${read.object}s`] += 1;
    if (read.object === "session") return finish({ line: read.line, lineNumber: number, turns: [], problems: 0 });
    if (read.object === "turn") {
      if (!open) throw broken(number, "a turn without its session");
      if (read.turn.line.sequence < open.turns.length) throw broken(number, "a turn out of order");
      open.turns.push(read.turn);
    } else if (open && read.session === open.line.id) open.problems += 1;
    return undefined;
  };
  return {
    /** A session whose last line came before this one. */
    take({ bytes, number }: FileLine): ReadSession | undefined {
      if (stage === "ended") throw broken(number, "something follows the last line");
      const read = readLine(bytes, number);
      if ((stage === "header") !== (read.object === "export"))
        throw broken(number, "the header must be the first line");
      stage = "content";
      if (read.object === "export") return undefined;
      if (read.object !== "export.end") {
        sum.update(bytes).update("\n");
        return takeContent(read, number);
      }
      stage = "ended";
      checkEnd(read.line, { ...counts, sha256: sum.digest("hex") }, number);
      return finish();
    },
    close(): void {
      if (stage !== "ended") throw broken(0, "the export is not whole: its last line is missing");
    },
  };
}

type ContentLine = Exclude<ReadLine, { readonly object: "export" | "export.end" }>;

type ReadLine =
  | { readonly object: "export" }
  | { readonly object: "session"; readonly line: SessionLine }
  | { readonly object: "turn"; readonly turn: ReadTurn }
  | { readonly object: "problem"; readonly session: string | null }
  | { readonly object: "export.end"; readonly line: ExportEnd };

/** Turns are as long as the gateway took them, and a little more. */
const LINE_LIMITS = { ...noLimits, maxDepth: 10_000, maxKeys: 10_000_000 };

function readLine(bytes: Buffer, number: number): ReadLine {
  try {
    // A turn has a model and messages, so the parser of chat requests reads it, and checks what it would check.
    if (isTurn(bytes)) return { object: "turn", turn: readTurn(bytes, number) };
    const line = parseJson(bytes.toString("utf8"));
    const object: unknown = typeof line === "object" && line !== null ? Reflect.get(line, "object") : undefined;
    if (object === "export") return parseExportLine(exportHeader, line);
    if (object === "session") return { object, line: parseExportLine(sessionLine, line) };
    if (object === "problem") return parseExportLine(problemLine, line);
    if (object === "export.end") return { object, line: parseExportLine(exportEnd, line) };
  } catch (error) {
    if (error instanceof GatewayError && !error.message.startsWith("line ")) throw broken(number, error.message);
    throw error;
  }
  throw broken(number, "of no known kind");
}

const TURN_START = Buffer.from('{"object":"turn",');
const isTurn = (bytes: Buffer): boolean => bytes.subarray(0, TURN_START.length).equals(TURN_START);

function readTurn(bytes: Buffer, number: number): ReadTurn {
  const { fields, messages } = parseChatRequest(bytes, LINE_LIMITS);
  const line = parseExportLine(turnLine, { ...fields, messages: [] });
  const lists = [line.tokens.length, line.seen?.length ?? messages.length];
  if (lists.some((length) => length !== messages.length) || line.answers > messages.length) {
    throw broken(number, "a turn's lists are not as long as its messages");
  }
  return { line, messages };
}

function closed(open: ReadSession): ReadSession {
  const isWhole = open.problems > 0 || open.turns.every(({ line }, index) => line.sequence === index);
  if (!isWhole || (open.problems === 0 && open.turns.length !== open.line.turns)) {
    throw broken(open.lineNumber, "turns of this session are missing");
  }
  return open;
}

function checkEnd(end: ExportEnd, found: Omit<ExportEnd, "object">, number: number): void {
  const isSame = (["sessions", "turns", "problems", "sha256"] as const).every((name) => end[name] === found[name]);
  if (!isSame) throw broken(number, "the last line does not fit the others: the export was changed or is not whole");
}

function broken(number: number, what: string): GatewayError {
  const message = number === 0 ? what : `line ${number}: ${what}`;
  return new GatewayError("invalid_request", message, { publicDetail: message });
}
