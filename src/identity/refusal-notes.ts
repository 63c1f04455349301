import { LRUCache } from "lru-cache";

import type { AuditEvent, AuditLog } from "../audit/audit-log.ts";
import type { ErrorCode } from "../errors/error-catalog.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import { recover } from "../kit/awaitable.ts";
import type { Clock } from "../kit/clock.ts";
import type { Caller, Identity } from "./principal.ts";

/** Tells the audit log who was not let in, and why. */
export type NoteRefusal = (error: unknown, caller: Caller) => void;

const events: Partial<Record<ErrorCode, AuditEvent>> = {
  credential_refused: "authn_login_fail",
  credential_placeholder: "authn_login_fail",
  user_conflict: "authz_fail",
  csrf_header_missing: "authz_fail",
};
/** Whoever tries a million keys is worth an entry a minute, not a million. */
const QUIET_MS = 60_000;
const MAX_NOTED = 10_000;

export function createRefusalNotes(audit: AuditLog, clock: Clock): NoteRefusal {
  const noted = new LRUCache<string, true>({ max: MAX_NOTED, ttl: QUIET_MS, perf: { now: clock } });
  return (error, { address }) => {
    if (!(error instanceof GatewayError)) return;
    const event = events[error.code];
    const name = `${error.code} ${address}`;
    if (!event || noted.has(name)) return;
    noted.set(name, true);
    audit.record({ event, address, reason: error.code });
  };
}

/** The same identity, its refusals noted. */
export function withRefusalNotes(identity: Identity, note: NoteRefusal): Identity {
  return {
    resolve: (caller, hints) =>
      recover(
        () => identity.resolve(caller, hints),
        (error) => {
          note(error, caller);
          throw error;
        },
      ),
    verify: (principal, caller) => identity.verify(principal, caller),
  };
}
