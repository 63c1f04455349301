import type { IncomingHttpHeaders } from "node:http";

import { GatewayError } from "../errors/gateway-error.ts";
import { type StrategyName, strategyNames } from "../history/history-strategy.ts";
import type { RequestedMode } from "../session/reconcile.ts";

/** What the request headers ask of the gateway itself. */
export interface TurnDirections {
  readonly mode: RequestedMode | "off";
  readonly strategy: StrategyName | undefined;
  readonly record: boolean;
  readonly idempotencyKey: string | undefined;
  readonly tries: number | undefined;
}

const modes = ["auto", "delta", "replay", "off"] as const;
const recordings = ["on", "off"] as const;
const MAX_IDEMPOTENCY_KEY = 255;

/** @throws GatewayError `invalid_header` naming the header and what it may say */
export function parseTurnHeaders(headers: IncomingHttpHeaders): TurnDirections {
  const idempotencyKey = single(headers["idempotency-key"]);
  if (idempotencyKey !== undefined && (idempotencyKey === "" || idempotencyKey.length > MAX_IDEMPOTENCY_KEY)) {
    throw wrong("Idempotency-Key", `1 to ${MAX_IDEMPOTENCY_KEY} characters`);
  }
  return {
    mode: oneOf("X-History-Mode", single(headers["x-history-mode"]), modes) ?? "auto",
    strategy: oneOf("X-History-Strategy", single(headers["x-history-strategy"]), strategyNames),
    record: oneOf("X-Session-Record", single(headers["x-session-record"]), recordings) !== "off",
    idempotencyKey,
    tries: parseTries(single(headers["x-stainless-retry-count"])),
  };
}

/** A count that makes no sense is a first try. */
function parseTries(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const tries = Number(value);
  return Number.isInteger(tries) && tries > 0 ? tries : 0;
}

function oneOf<T extends string>(name: string, value: string | undefined, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const known = allowed.find((item) => item === value.toLowerCase());
  if (!known) throw wrong(name, `one of ${allowed.join(", ")}`);
  return known;
}

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(", ") : value;

const wrong = (name: string, rule: string): GatewayError =>
  new GatewayError("invalid_header", `${name} out of bounds`, {
    publicDetail: `${name} must be ${rule}.`,
    param: name,
  });
