import type { Meter } from "@opentelemetry/api";

/** Shows how many turns wait in this replica's outbox. */
export function observeOutbox(meter: Meter, outbox: { depth(): number }): void {
  meter
    .createObservableGauge("stategate.outbox.depth", {
      unit: "{turn}",
      description: "Turns that were acknowledged and wait for the store",
    })
    .addCallback((result) => result.observe(outbox.depth()));
}
