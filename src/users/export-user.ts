import { createHash } from "node:crypto";

import type { Clock } from "../kit/clock.ts";
import { createWorkSlices } from "../kit/work-slices.ts";
import type { SessionRow, SessionStore } from "../store/session-store.ts";
import { exportSession, type SessionReading } from "./export-session.ts";
import { endLine, headerLine } from "./write-lines.ts";

export interface ExportParts extends SessionReading {
  readonly clock: Clock;
}

export interface ExportCounts {
  sessions: number;
  turns: number;
  problems: number;
}

export const noCounts = (): ExportCounts => ({ sessions: 0, turns: 0, problems: 0 });

const PAGE = 20;

/**
 * Everything stored of a user, as the lines of `protocol/export-lines.ts`, oldest session first. Made while it is read:
 * memory holds a page of heads and a range of turns. `counts` grows with it, for whoever must say what was read.
 *
 * @throws GatewayError `store_unavailable` in the middle of it: an export without its last line is not whole
 */
export async function* exportUser(
  parts: ExportParts,
  owner: string,
  counts: ExportCounts = noCounts(),
): AsyncGenerator<Buffer, void> {
  const sum = createHash("sha256");
  const slices = createWorkSlices();
  const rows = allSessions(parts.sessions, owner);
  // Read before anything is said: an outage now is an error, later only an export that breaks off.
  let row = await rows.next();
  yield headerLine(owner, parts.clock());
  for (; row.done !== true; row = await rows.next()) {
    for await (const { object, bytes } of exportSession(parts, row.value)) {
      await slices.before(bytes.length);
      counts[`${object}s`] += 1;
      sum.update(bytes);
      yield bytes;
    }
  }
  yield endLine({ ...counts, sha256: sum.digest("hex") });
}

async function* allSessions(sessions: SessionStore, owner: string): AsyncGenerator<SessionRow, void> {
  let after: { createdAt: number; key: string } | undefined;
  for (;;) {
    const rows = await sessions.list(owner, { limit: PAGE, order: "asc", ...(after && { after }) });
    yield* rows;
    const last = rows.at(-1);
    if (!last) return;
    after = { createdAt: last.fields.createdAt, key: last.key };
  }
}
