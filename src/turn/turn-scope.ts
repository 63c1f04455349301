import type { ServerResponse } from "node:http";

import type { SessionRef } from "./opened-session.ts";
import type { TurnRequest } from "./turn-request.ts";
import type { TurnRing } from "./turn-ring.ts";

/** What one request carries through its life. */
export interface TurnScope {
  readonly ring: TurnRing;
  readonly request: TurnRequest;
  readonly client: ServerResponse;
  readonly ref: SessionRef;
  /** SHA-256 of the body. */
  readonly requestHash: string;
  readonly idempotencyHash: string | undefined;
}
