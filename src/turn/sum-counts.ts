interface Counted {
  readonly counts: Readonly<Partial<Record<string, number>>>;
}

/** Findings by type of several redactions together. */
export function sumCounts(all: readonly Counted[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { counts } of all) {
    for (const type in counts) sum[type] = (sum[type] ?? 0) + (counts[type] ?? 0);
  }
  return sum;
}
