/**
 * Prometheus texts of several workers as one: every series gets the label `worker`, so that one that was replaced counts
 * from zero by itself, and the lines of a metric stay together, as the format demands.
 *
 * @param texts by worker number
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function joinMetrics(texts: ReadonlyMap<number, string>): string {
  const families = new Map<string, { readonly comments: Set<string>; readonly series: string[] }>();
  for (const [worker, text] of texts) {
    let family = "";
    for (const line of text.split("\n")) {
      if (line === "") continue;
      family = /^# (?:HELP|TYPE|UNIT) (\S+)/.exec(line)?.[1] ?? family;
      const { comments, series } = families.get(family) ?? { comments: new Set<string>(), series: [] };
      families.set(family, { comments, series });
      if (line.startsWith("#")) comments.add(line);
      else series.push(withLabel(line, worker));
    }
  }
  const lines = [...families.values()].flatMap(({ comments, series }) => [...comments, ...series]);
  return `${lines.join("\n")}\n`;
}

function withLabel(line: string, worker: number): string {
  const end = line.search(/[{ ]/);
  const name = line.slice(0, end);
  const rest = line.slice(end);
  if (rest.startsWith("{}")) return `${name}{worker="${worker}"}${rest.slice(2)}`;
  return rest.startsWith("{") ? `${name}{worker="${worker}",${rest.slice(1)}` : `${name}{worker="${worker}"}${rest}`;
}
