import { GatewayError } from "../errors/gateway-error.ts";
import type { ActiveTurn } from "../session/active-turns.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { RequestPrint } from "./request-print.ts";

interface RepeatQuestion extends Pick<RequestPrint, "requestHash" | "idempotencyHash" | "tries"> {
  /** The turn that the earlier attempt may have written although it failed; "" when it wrote none. */
  readonly failedTurn: string | undefined;
}

export type Repeat =
  | { readonly kind: "answered"; readonly turn: ActiveTurn }
  /** The earlier attempt left an incomplete turn: this one takes its place. */
  | { readonly kind: "unfinished"; readonly keepTurns: number }
  | undefined;

/**
 * Whether a request was made before. The same key names the same request for as long as its turn is held; an SDK's
 * retry can only be of the newest turn, so that a user who says "hi" twice is not taken for one.
 *
 * @throws GatewayError `idempotency_key_reused` when the key came with another body
 */
export function findRepeat(session: OpenedSession | undefined, print: RepeatQuestion): Repeat {
  if (!session) return undefined;
  const index = findTurn(session.active, print);
  const turn = session.active[index];
  if (!turn) return undefined;
  if (turn.record.requestHash !== print.requestHash) {
    throw new GatewayError("idempotency_key_reused", "an idempotency key with another body");
  }
  if (turn.record.status === "complete") return { kind: "answered", turn };
  return { kind: "unfinished", keepTurns: session.front.turns + index };
}

function findTurn(active: readonly ActiveTurn[], print: RepeatQuestion): number {
  if (print.idempotencyHash !== undefined) {
    return active.findLastIndex(({ record }) => record.idempotencyHash === print.idempotencyHash);
  }
  const last = active.length - 1;
  const record = active[last]?.record;
  if (!print.tries || record?.requestHash !== print.requestHash) return -1;
  return print.failedTurn === undefined || print.failedTurn === record.id ? last : -1;
}
