import type { TurnMeter } from "./turn-meter.ts";

/** The same meter; what a broken reader or exporter throws stays inside. */
export function neverThrowing(meter: TurnMeter): TurnMeter {
  return {
    turn: (figures) => quietly(() => meter.turn(figures)),
    observed: (figures) => quietly(() => meter.observed(figures)),
    overhead: (figures) => quietly(() => meter.overhead(figures)),
    compaction: (reason, epochTurns) => quietly(() => meter.compaction(reason, epochTurns)),
    recall: (outcome) => quietly(() => meter.recall(outcome)),
    redactions: (counts) => quietly(() => meter.redactions(counts)),
    degraded: (reason) => quietly(() => meter.degraded(reason)),
    delivered: (delivery) => quietly(() => meter.delivered(delivery)),
    stage: (stage, milliseconds) => quietly(() => meter.stage(stage, milliseconds)),
    store: (operation, outcome, milliseconds) => quietly(() => meter.store(operation, outcome, milliseconds)),
    upstream: (call) => quietly(() => meter.upstream(call)),
  };
}

function quietly(measure: () => void): void {
  try {
    measure();
  } catch {
    // OpenTelemetry's specification forbids its API to throw; where it does, a gap in a chart is the whole damage.
  }
}
