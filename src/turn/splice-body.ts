import type { Bytes } from "../kit/held-bytes.ts";
import type { ChatRequest } from "../protocol/chat-request.ts";

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: readonly Bytes[];
  /** Written as a JSON array of them. */
  readonly isList?: boolean;
}

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;

/**
 * The body to send upstream: the client's own bytes with `messages` replaced, and members added that it does not have.
 * With nothing of these, and when the client asks for usage itself or does not stream, it is the very body that came.
 */
export function spliceBody(
  chat: ChatRequest,
  messages: readonly Bytes[] | undefined,
  added: readonly Buffer[] = [],
): readonly Buffer[] {
  const edits = [...addedEdit(chat, added), ...usageEdit(chat), ...messagesEdit(chat, messages)];
  if (edits.length === 0) return [chat.body];
  if (edits.length > 1) edits.sort((one, other) => one.start - other.start);
  return [applyEdits(chat.body, edits)];
}

/** In one buffer, written once: a list of many small pieces costs more than it holds. */
function applyEdits(body: Buffer, edits: readonly Edit[]): Buffer {
  let size = body.length;
  for (const { start, end, bytes, isList } of edits) size += sizeOf(bytes, isList) - (end - start);
  const edited = Buffer.allocUnsafe(size);
  let from = 0;
  let at = 0;
  for (const { start, end, bytes, isList } of edits) {
    at += body.copy(edited, at, from, start);
    at = isList ? writeList(edited, at, bytes) : writeAll(edited, at, bytes);
    from = end;
  }
  body.copy(edited, at, from);
  return edited;
}

function sizeOf(pieces: readonly Bytes[], isList = false): number {
  let size = isList ? Math.max(0, pieces.length - 1) + 2 : 0;
  for (const piece of pieces) size += piece.length;
  return size;
}

function writeAll(target: Buffer, at: number, pieces: readonly Bytes[]): number {
  let end = at;
  for (const piece of pieces) end += piece.copy(target, end);
  return end;
}

function writeList(target: Buffer, at: number, items: readonly Bytes[]): number {
  let end = at;
  for (const item of items) {
    target[end] = end === at ? OPEN_BRACKET : COMMA;
    end += 1 + item.copy(target, end + 1);
  }
  if (end === at) target[end++] = OPEN_BRACKET;
  target[end] = CLOSE_BRACKET;
  return end + 1;
}

function messagesEdit(chat: ChatRequest, messages: readonly Bytes[] | undefined): Edit[] {
  const span = chat.members.get("messages");
  return messages && span ? [{ start: span.start, end: span.end, bytes: messages, isList: true }] : [];
}

function addedEdit({ body }: ChatRequest, added: readonly Buffer[]): Edit[] {
  if (added.length === 0) return [];
  const start = body.indexOf(OPEN_BRACE) + 1;
  return added.map((member) => ({ start, end: start, bytes: [member, Buffer.of(COMMA)] }));
}

/** The gateway needs the bill of every answer; a client that did not ask for it is not shown it. */
function usageEdit({ stream, includeUsage, fields, members, body }: ChatRequest): Edit[] {
  if (!stream || includeUsage) return [];
  const given = members.get("stream_options");
  const options = fields["stream_options"];
  if (given) {
    const merged = { ...(typeof options === "object" ? options : undefined), include_usage: true };
    return [{ ...given, bytes: [Buffer.from(JSON.stringify(merged))] }];
  }
  const start = body.indexOf(OPEN_BRACE) + 1;
  return [{ start, end: start, bytes: [Buffer.from('"stream_options":{"include_usage":true},')] }];
}
