import type { TurnMeter } from "../../src/telemetry/turn-meter.ts";

export const figures = {
  model: "gpt-5",
  strategy: "hybrid",
  mode: "delta",
  sentTokens: 100,
  cachedTokens: 20,
  completionTokens: 5,
  baselineTokens: 80,
  baselineCachedTokens: 60,
  usd: { sent: 0.002, baseline: 0.001 },
};

/** Measures everything that there is to measure, some of it twice, and nothing by chance. */
export function measureTurns(meter: TurnMeter): void {
  for (const [turn, model] of ["gpt-5", "gpt-4o", "gpt-5"].entries()) {
    const stages = ["load", "plan", "total"] as const;
    for (const [place, stage] of stages.entries()) meter.stage(stage, 0.07 * (turn + 1) * 8 ** place);
    meter.store("load", "ok", 0.4);
    meter.store("commit", turn === 1 ? "error" : "ok", 1.5 * turn);
    const firstByteMs = turn === 1 ? undefined : 45;
    meter.upstream({ model, status: turn === 1 ? 502 : 200, durationMs: 700 * (turn + 1), firstByteMs });
    const usd = model === "gpt-5" ? figures.usd : undefined;
    meter.turn({ ...figures, model, mode: turn === 2 ? "replay" : "delta", usd });
    meter.observed({ ...figures, model, tokens: -7, usd: usd && 0.25 });
    meter.overhead({ model, purpose: "summary", promptTokens: 30, completionTokens: 10, usd: usd && 0.0005 });
    meter.redactions({ EMAIL: 2, CARD: turn });
  }
  meter.overhead({ model: "embedder", purpose: "embedding", promptTokens: 9, completionTokens: 0, usd: undefined });
  meter.compaction("ledger", 12);
  meter.compaction("ledger", 700);
  meter.recall("recalled");
  meter.degraded("load_failed");
  meter.delivered("stored");
}
