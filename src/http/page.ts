import { GatewayError } from "../errors/gateway-error.ts";
import type { PageRequest } from "../turn/session-directory.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** OpenAI's paging: `limit`, `order`, `after`. @throws GatewayError `invalid_parameter` */
export function parsePage(query: Readonly<Record<string, string>>, defaultOrder: "asc" | "desc"): PageRequest {
  const { limit = String(DEFAULT_LIMIT), order = defaultOrder, after } = query;
  const count = /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
  if (count < 1 || count > MAX_LIMIT) throw wrong("limit", `an integer from 1 to ${MAX_LIMIT}`);
  if (order !== "asc" && order !== "desc") throw wrong("order", "'asc' or 'desc'");
  return { limit: count, order, after };
}

const wrong = (param: string, rule: string): GatewayError =>
  new GatewayError("invalid_parameter", `${param} out of bounds`, {
    publicDetail: `'${param}' must be ${rule}.`,
    param,
  });
