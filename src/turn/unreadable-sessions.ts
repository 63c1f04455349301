import { LRUCache } from "lru-cache";

import { hasCode } from "../errors/gateway-error.ts";
import type { SessionRef } from "./opened-session.ts";
import type { TurnPorts } from "./turn-ports.ts";

/** Sessions of whose damage the log has told; beyond these it tells again. */
const REMEMBERED = 10_000;

/** Tells that a session cannot be opened: the audit log each time, the log and the metrics once for each session. */
export type TellUnreadable = (ref: Pick<SessionRef, "key" | "owner">, reason?: "listed") => void;

export function createTellUnreadable({
  audit,
  log,
  meter,
}: Pick<TurnPorts, "audit" | "log" | "meter">): TellUnreadable {
  const told = new LRUCache<string, true>({ max: REMEMBERED });
  return ({ key, owner }, reason) => {
    audit.record({ event: "crypt_decrypt_fail", owner, ...(reason && { reason }) });
    if (told.has(key)) return;
    told.set(key, true);
    log.error({ session: key }, "session_unreadable");
    meter.degraded("session_unreadable");
  };
}

export const isUnreadable = (error: unknown): boolean => hasCode(error, "record_unreadable");
