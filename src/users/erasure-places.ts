import { GatewayError } from "../errors/gateway-error.ts";
import { loginName, loginsOf } from "../identity/login-names.ts";
import type { RecordStore } from "../store/record-store.ts";
import type { SessionStore } from "../store/session-store.ts";
import { linksOf } from "../turn/session-links.ts";

/** A place in the store that holds something of users. */
export interface ErasurePlace {
  /** What the receipt calls it. */
  readonly name: string;
  /**
   * Removes all of a user's that was written before the call, and resolves to how many there were. Idempotent.
   * @throws GatewayError `store_unavailable`; it may be repeated
   */
  remove(owner: string): Promise<number>;
}

/**
 * Every place that holds something of users besides their keys and the counters of the limiter, in the order in which
 * they are emptied. Whatever else will rest somewhere (checkpoints, memory blocks, an outbox, a recall index, embeddings)
 * gets its line here, and is reached by every erasure from then on. What hangs on a session and lies in its rows or slots
 * needs none.
 */
export const erasurePlaces = (sessions: SessionStore, records: RecordStore): readonly ErasurePlace[] => [
  { name: "sessions", remove: (owner) => removeSessions(sessions, owner) },
  { name: "session_links", remove: (owner) => removeRecords(records, linksOf(owner)) },
  { name: "logins", remove: (owner) => removeLogins(records, owner) },
];

/** Whoever writes on and on is not waited for: what stands under a key made since then is no longer what was erased. */
const MAX_ROUNDS = 16;

async function removeSessions(sessions: SessionStore, owner: string): Promise<number> {
  let removed = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const more = await sessions.removeOwner(owner);
    removed += more;
    if (more === 0) return removed;
  }
  throw new GatewayError("store_unavailable", "sessions were made faster than they were removed");
}

const PAGE = 100;

/** @param before what must be gone before the record that leads to it is */
async function removeRecords(
  records: RecordStore,
  prefix: string,
  before: (rest: string) => Promise<unknown> = async () => undefined,
): Promise<number> {
  let removed = 0;
  for (;;) {
    const page = await records.list(prefix, { limit: PAGE });
    if (page.length === 0) return removed;
    for (const { name } of page) {
      await before(name.slice(prefix.length));
      removed += (await records.remove(name)) ? 1 : 0;
    }
  }
}

const removeLogins = (records: RecordStore, owner: string): Promise<number> =>
  removeRecords(records, loginsOf(owner), (tokenHash) => records.remove(loginName(tokenHash)));
