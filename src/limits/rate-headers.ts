import type { LeasedWindow } from "./leased-window.ts";

interface LimitedBy {
  readonly requests: LeasedWindow | undefined;
  /** Per minute, per day, or both: the one with less left is told. */
  readonly tokens: readonly LeasedWindow[];
}

/** `x-ratelimit-*` as OpenAI writes them, for the limits there are. */
export function rateHeaders({ requests, tokens }: LimitedBy): Record<string, string> {
  const [tightest] = tokens.toSorted((one, other) => one.remaining - other.remaining);
  return { ...headersOf("requests", requests), ...headersOf("tokens", tightest) };
}

function headersOf(unit: "requests" | "tokens", window: LeasedWindow | undefined): Record<string, string> {
  if (!window) return {};
  return {
    [`x-ratelimit-limit-${unit}`]: String(window.limit),
    [`x-ratelimit-remaining-${unit}`]: String(window.remaining),
    [`x-ratelimit-reset-${unit}`]: formatDuration(window.remainingMs),
  };
}

/** `17ms`, `7.66s`, `6m0s`, `1h0m0s`: Go's way, which OpenAI's clients know. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = `${(ms % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
