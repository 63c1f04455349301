import { randomBytes, randomUUID } from "node:crypto";

import { GatewayError } from "../errors/gateway-error.ts";

/** `token`: 256 random bits as 43 base64url characters. `uuid4` has 122, for those whose systems want UUIDs. */
export type SessionIdFormat = "token" | "uuid4";

export interface RequestedSession {
  readonly sessionId: string;
  /** True when the client asked for a new session: its id was made here. */
  readonly minted: boolean;
}

const SESSION_ID = /^[\x21-\x7E]{1,128}$/;
const NEW_SESSION = "new";

/** @throws GatewayError `invalid_session_id` for anything but 1 to 128 visible ASCII characters */
export function parseSessionId(value: string): string {
  if (!SESSION_ID.test(value)) throw new GatewayError("invalid_session_id", "malformed session id");
  return value;
}

/** A name nobody can guess. */
export function mintSessionId(format: SessionIdFormat): string {
  return format === "uuid4" ? randomUUID() : randomBytes(32).toString("base64url");
}

/**
 * The session that a header names; `new` asks for a minted one.
 *
 * @throws GatewayError `invalid_session_id`
 */
export function requestedSession(value: string, format: SessionIdFormat): RequestedSession {
  return value === NEW_SESSION
    ? { sessionId: mintSessionId(format), minted: true }
    : { sessionId: parseSessionId(value), minted: false };
}
