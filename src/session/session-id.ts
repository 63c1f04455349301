import { randomBytes } from "node:crypto";

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

const ENTROPY_BYTES = 32;

/** A name nobody can guess; the same `entropy`, 32 bytes of it, makes the same name. */
export function mintSessionId(format: SessionIdFormat, entropy: Buffer = randomBytes(ENTROPY_BYTES)): string {
  return format === "uuid4" ? toUuid(entropy) : entropy.toString("base64url");
}

/** Version 4 and variant 10 of RFC 9562 §5.4. */
function toUuid(entropy: Buffer): string {
  const bytes = Buffer.from(entropy.subarray(0, 16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
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
