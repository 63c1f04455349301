import type { CallerReader } from "./caller.ts";
import type { SessionAlias } from "./session-name.ts";

export interface HttpSettings {
  readonly maxBodyBytes: number;
  readonly caller: CallerReader;
  readonly sessionAliases: readonly SessionAlias[];
}
