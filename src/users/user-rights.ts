import type { SignedReceipt } from "../audit/receipt.ts";
import { DATA_KEY_PREFIX } from "../sealing/data-keys.ts";
import { type ErasureParts, eraseUser } from "./erase-user.ts";
import { type ExportCounts, type ExportParts, exportUser } from "./export-user.ts";

export interface UserSummary {
  /** Keyed hash of tenant and user. */
  readonly id: string;
  /** Live sessions; counted no further than 100,000. */
  readonly sessions: number;
  /** Whether anything is stored of the user at all. */
  readonly isKnown: boolean;
}

/** What a user may ask of everything stored about him. Who may ask is for the caller to know. */
export interface UserRights {
  describe(owner: string): Promise<UserSummary>;
  /**
   * As lines, made while they are read; `counts` grows with them.
   * @throws GatewayError `store_unavailable`, also in the middle
   */
  export(owner: string, counts: ExportCounts): AsyncGenerator<Buffer, void>;
  /** @throws GatewayError `store_unavailable`; to be repeated until it resolves */
  erase(owner: string): Promise<SignedReceipt>;
}

const MAX_COUNTED = 100_000;

export function createUserRights(parts: ExportParts & ErasureParts): UserRights {
  return {
    async describe(owner) {
      const [sessions, key] = await Promise.all([
        parts.sessions.count(owner, MAX_COUNTED),
        parts.records.read(DATA_KEY_PREFIX + owner),
      ]);
      return { id: owner, sessions, isKnown: key !== undefined || sessions > 0 };
    },
    export: (owner, counts) => exportUser(parts, owner, counts),
    erase: (owner) => eraseUser(parts, owner),
  };
}
