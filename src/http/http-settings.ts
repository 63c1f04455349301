import type { CallerReader } from "./caller.ts";
import type { SessionAlias } from "./session-name.ts";
import type { SharedRoutes } from "./shared-routes.ts";

export interface HttpSettings {
  readonly maxBodyBytes: number;
  readonly caller: CallerReader;
  readonly sessionAliases: readonly SessionAlias[];
  /** `undefined` where each caller brings a credential of the upstream's own. */
  readonly sharedRoutes: SharedRoutes | undefined;
}
