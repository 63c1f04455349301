import type { ChatRequest } from "../protocol/chat-request.ts";

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: readonly Buffer[];
}

const OPEN = Buffer.from("[");
const COMMA = Buffer.from(",");
const CLOSE = Buffer.from("]");

/**
 * The body to send upstream: the client's own bytes with `messages` replaced, and members added that it does not have.
 * With nothing of these, and when the client asks for usage itself or does not stream, it is the very body that came.
 */
export function spliceBody(
  chat: ChatRequest,
  messages: readonly Buffer[] | undefined,
  added: readonly Buffer[] = [],
): readonly Buffer[] {
  const edits = [...addedEdit(chat, added), ...usageEdit(chat), ...messagesEdit(chat, messages)];
  if (edits.length === 0) return [chat.body];
  if (edits.length > 1) edits.sort((one, other) => one.start - other.start);
  const pieces: Buffer[] = [];
  let at = 0;
  for (const { start, end, bytes } of edits) {
    pieces.push(chat.body.subarray(at, start));
    for (const piece of bytes) pieces.push(piece);
    at = end;
  }
  pieces.push(chat.body.subarray(at));
  return pieces;
}

function messagesEdit(chat: ChatRequest, messages: readonly Buffer[] | undefined): Edit[] {
  const span = chat.members.get("messages");
  if (!messages || !span) return [];
  const bytes: Buffer[] = [];
  for (const message of messages) bytes.push(bytes.length === 0 ? OPEN : COMMA, message);
  if (bytes.length === 0) bytes.push(OPEN);
  bytes.push(CLOSE);
  return [{ start: span.start, end: span.end, bytes }];
}

function addedEdit({ body }: ChatRequest, added: readonly Buffer[]): Edit[] {
  const start = body.indexOf("{") + 1;
  return added.map((member) => ({ start, end: start, bytes: [member, COMMA] }));
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
  const start = body.indexOf("{") + 1;
  return [{ start, end: start, bytes: [Buffer.from('"stream_options":{"include_usage":true},')] }];
}
