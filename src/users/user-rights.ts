import { type ExportCounts, type ExportParts, exportUser } from "./export-user.ts";

export interface UserSummary {
  /** Live sessions; counted no further than `MAX_COUNTED`. */
  readonly sessions: number;
}

/** What a user may ask of everything stored about him. Who asks is for the caller to know. */
export interface UserRights {
  describe(owner: string): Promise<UserSummary>;
  /**
   * As lines, made while they are read; `counts` grows with them.
   * @throws GatewayError `store_unavailable`, also in the middle
   */
  export(owner: string, counts: ExportCounts): AsyncGenerator<Buffer, void>;
}

const MAX_COUNTED = 100_000;

export function createUserRights(parts: ExportParts): UserRights {
  return {
    describe: async (owner) => ({ sessions: await parts.sessions.count(owner, MAX_COUNTED) }),
    export: (owner, counts) => exportUser(parts, owner, counts),
  };
}
