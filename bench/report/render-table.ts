import type { Samples } from "../rig/samples.ts";
import type { TargetName } from "../targets/target.ts";
import { type Row, rows } from "./measures.ts";

export const headings: Readonly<Record<TargetName, string>> = {
  direct: "no gateway",
  haproxy: "haproxy",
  "bare proxy": "bare Node proxy",
  Portkey: "Portkey",
  stateless: "stategate, stateless",
  memory: "stateful, memory",
  SQLite: "stateful, SQLite",
  Redis: "stateful, Redis",
  PostgreSQL: "stateful, PostgreSQL",
  DynamoDB: "stateful, DynamoDB's API",
  "SQLite hybrid": "SQLite, hybrid",
};

/** The whole run as one Markdown table: a row per measure, a column per target. Rows without a figure are left out. */
export function renderTable(samples: Samples, targets: readonly TargetName[]): string {
  const lines = rows.flatMap((row) => {
    const cells = targets.map((target) => cell(row, row.value(samples, target)));
    return cells.every((text) => text === "") ? [] : [[row.label, ...cells, row.goal]];
  });
  const head = ["", ...targets.map((target) => headings[target]), "goal"];
  return [head, head.map((_, index) => (index === 0 ? "---" : "--:")), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function cell({ decimals, sign }: Row, value: number | undefined): string {
  if (value === undefined) return "";
  return value.toLocaleString("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    signDisplay: sign === "always" ? "exceptZero" : "auto",
  });
}
