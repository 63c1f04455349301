import type { TurnMeter } from "./turn-meter.ts";

/** The same meter; what a broken reader or exporter throws stays inside. */
export function neverThrowing(meter: TurnMeter): TurnMeter {
  return {
    turn: quietly(meter.turn),
    observed: quietly(meter.observed),
    overhead: quietly(meter.overhead),
    compaction: quietly(meter.compaction),
    recall: quietly(meter.recall),
    redactions: quietly(meter.redactions),
    degraded: quietly(meter.degraded),
    delivered: quietly(meter.delivered),
    stage: quietly(meter.stage),
    store: quietly(meter.store),
    upstream: quietly(meter.upstream),
  };
}

/** Made once for each measure: a function made for each call would be garbage of each turn. */
function quietly<Given extends readonly unknown[]>(measure: (...given: Given) => void): (...given: Given) => void {
  return (...given) => {
    try {
      measure(...given);
    } catch {
      // OpenTelemetry's specification forbids its API to throw; where it does, a gap in a chart is the whole damage.
    }
  };
}
