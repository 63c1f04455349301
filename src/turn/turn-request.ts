import type { IncomingHttpHeaders } from "node:http";

import type { StrategyName } from "../history/history-strategy.ts";
import type { Principal } from "../identity/principal.ts";
import type { ChatRequest } from "../protocol/chat-request.ts";
import type { RequestedMode } from "../session/reconcile.ts";
import type { SessionVisitor } from "./session-visitor.ts";

/** One chat completion request on a session, its headers understood. */
export interface TurnRequest {
  readonly requestId: string;
  readonly principal: Principal;
  readonly visitor: SessionVisitor;
  /** For answers that no upstream is asked for. @throws GatewayError when the caller's credential is not good any more */
  readonly verifyCaller: () => Promise<void>;
  /** The client's name for the session; `new` was already replaced by a minted one. */
  readonly sessionId: string;
  /** Whether that happened. */
  readonly minted: boolean;
  readonly chat: ChatRequest;
  /** Where to ask, below the upstream's base URL, with the client's own query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly mode: RequestedMode;
  readonly strategy: StrategyName | undefined;
  /** False: the history is used, nothing is stored. */
  readonly record: boolean;
  readonly idempotencyKey: string | undefined;
  /** How often the client's SDK says it tried before; `undefined` for one that does not count. */
  readonly tries: number | undefined;
  /** When the request arrived, for our own overhead. */
  readonly startedAt: number;
}
