/** Findings by type of several redactions together. */
export function sumCounts(all: readonly Readonly<Partial<Record<string, number>>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all) {
    for (const [type, count] of Object.entries(counts)) sum[type] = (sum[type] ?? 0) + (count ?? 0);
  }
  return sum;
}
