export interface TokenBill {
  readonly tokens: number;
  readonly usd: number;
}

export interface DemoRow {
  readonly mode: string;
  readonly turns: number;
  /** What replaying everything straight to the provider was billed. */
  readonly replay: TokenBill;
  readonly sent: TokenBill;
  /** The gateway's own summaries, their output included. */
  readonly overhead: TokenBill;
  readonly addedMs: number;
}

const columns = [
  "client",
  "turns",
  "full replay",
  "sent",
  "own calls",
  "tokens saved",
  "USD full replay",
  "USD saved",
  "added p50",
] as const;

/** Savings are signed and after the gateway's own calls: what the provider bills less. */
export function demoTable(rows: readonly DemoRow[], model: string): string {
  const cells = [columns, ...rows.map(cellsOf)];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lines = cells.map((line) => `  ${line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  ")}`);
  return `\n${lines.join("\n")}\n\n  Tokens are prompt tokens as the simulated provider billed them, priced for ${model} with its prompt cache on both sides.\n  The latency is that of gateways which started seconds ago; npm run bench:overhead measures warm ones.\n`;
}

function cellsOf({ mode, turns, replay, sent, overhead, addedMs }: DemoRow): readonly string[] {
  const savedTokens = replay.tokens - sent.tokens - overhead.tokens;
  const savedUsd = replay.usd - sent.usd - overhead.usd;
  return [
    mode,
    String(turns),
    count(replay.tokens),
    count(sent.tokens),
    count(overhead.tokens),
    `${count(savedTokens)} (${percent(savedTokens, replay.tokens)})`,
    `$${replay.usd.toFixed(4)}`,
    `${savedUsd < 0 ? "-" : ""}$${Math.abs(savedUsd).toFixed(4)} (${percent(savedUsd, replay.usd)})`,
    `${addedMs.toFixed(1)} ms`,
  ];
}

const count = (tokens: number): string => tokens.toLocaleString("en-US");
const percent = (part: number, whole: number): string => `${Math.round((100 * part) / whole)} %`;
