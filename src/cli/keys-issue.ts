import { parseArgs } from "node:util";

import { isPrintableName } from "../identity/choose-user.ts";
import { createKeyRegistry } from "../identity/key-registry.ts";
import type { Limits } from "../limits/limits.ts";
import { type Command, CommandError } from "./command.ts";
import { joinValues } from "./join-values.ts";
import { withVault } from "./with-vault.ts";

const limitOptions = {
  "requests-per-minute": "requestsPerMinute",
  "tokens-per-minute": "tokensPerMinute",
  "tokens-per-day": "tokensPerDay",
  "concurrent-requests": "concurrentRequests",
  sessions: "sessions",
  "session-calls-per-minute": "sessionCallsPerMinute",
} as const satisfies Record<string, keyof Limits>;
const text = { type: "string" } as const;
const options = {
  tenant: text,
  user: text,
  label: text,
  expires: text,
  "requests-per-minute": text,
  "tokens-per-minute": text,
  "tokens-per-day": text,
  "concurrent-requests": text,
  sessions: text,
  "session-calls-per-minute": text,
} as const;
type Values = ReturnType<typeof parseArgs<{ args: string[]; options: typeof options }>>["values"];

/** The key alone goes to standard output, so that a script can keep it; it is shown once and stored nowhere. */
export const issueKey: Command = async (context) => {
  const { values } = parseArgs({ args: joinValues(context.args, options), options });
  const { tenant, user, label = "" } = values;
  if (tenant === undefined || tenant === "") throw new CommandError("--tenant says whose key it is");
  if (user !== undefined && !isPrintableName(user))
    throw new CommandError("--user takes 1 to 256 printable characters");
  const order = {
    tenant,
    user,
    label,
    limits: readLimits(values),
    expiresAt: expiryOf(values.expires, context.clock()),
  };
  const { key, issued } = await withVault(context, async (vault) => {
    const made = await createKeyRegistry({ ...vault, clock: context.clock }).issue(order);
    vault.audit.record({ event: "authn_token_created", counts: { keys: 1 } });
    return made;
  });
  context.stderr.write(`${issued.id}: this key is not shown again\n`);
  context.stdout.write(`${key}\n`);
};

function readLimits(values: Values): Limits | undefined {
  const limits: { -readonly [Name in keyof Limits]: Limits[Name] } = {};
  for (const [option, name] of Object.entries(limitOptions)) {
    const value = values[option as keyof typeof limitOptions];
    if (value === undefined) continue;
    if (!/^[1-9]\d{0,14}$/.test(value)) throw new CommandError(`--${option} takes a whole number above 0`);
    limits[name] = Number(value);
  }
  return Object.keys(limits).length > 0 ? limits : undefined;
}

const DAY_MS = 86_400_000;
const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

function expiryOf(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const [, count = "", unit = ""] = /^([1-9]\d{0,4})([hdw])$/.exec(value) ?? [];
  if (count === "") throw new CommandError("--expires takes hours, days or weeks from now, such as 12h, 90d or 52w");
  return now + Number(count) * (unitMs[unit] ?? DAY_MS);
}
