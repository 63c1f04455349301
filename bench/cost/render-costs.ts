import type { Bills } from "./compare-policies.ts";
import type { Bill, PolicyName } from "./play-policies.ts";
import type { PriceProfile } from "./price-profiles.ts";

const HEADER = [
  "| policy | input | output | summaries | together | input × ledger | cached | cuts |",
  "| --- | --: | --: | --: | --: | --: | --: | --: |",
];

/** USD by conversation; how the input of each policy compares to the ledger's. */
export function renderCosts({ name, cachedRatio, price }: PriceProfile, bills: Bills, conversations: number): string {
  const title = `### ${name} (r ${cachedRatio}, w ${price.cacheWrite / price.input})`;
  const ledger = bills.get("ledger")?.inputUsd ?? Number.NaN;
  const rows = [...bills].map(([policy, bill]) => renderRow(policy, bill, { ledger, conversations }));
  return [title, "", ...HEADER, ...rows].join("\n");
}

function renderRow(
  policy: PolicyName,
  { inputUsd, outputUsd, overheadUsd, promptTokens, cachedTokens, cuts }: Bill,
  { ledger, conversations }: { ledger: number; conversations: number },
): string {
  const usd = (sum: number): string => (sum / conversations).toPrecision(3);
  const cells = [
    policy,
    usd(inputUsd),
    usd(outputUsd),
    overheadUsd === 0 ? "" : usd(overheadUsd),
    usd(inputUsd + outputUsd + overheadUsd),
    (inputUsd / ledger).toFixed(2),
    `${Math.round((100 * cachedTokens) / promptTokens)} %`,
    (cuts / conversations).toFixed(1),
  ];
  return `| ${cells.join(" | ")} |`;
}
