import type { SessionAlias } from "./session-name.ts";

export interface HttpSettings {
  readonly maxBodyBytes: number;
  readonly sessionAliases: readonly SessionAlias[];
}
