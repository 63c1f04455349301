import type { Meter, MetricOptions } from "@opentelemetry/api";

import type { Histograms } from "./histograms.ts";
import { createSumCounter } from "./sum-counter.ts";

const SECONDS = {
  unit: "s",
  advice: { explicitBucketBoundaries: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] },
};
const OWN_TIME = {
  unit: "s",
  advice: { explicitBucketBoundaries: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1] },
};
const TOKENS = { unit: "{token}" };
const USD = { unit: "USD" };

/** Everything that turns are measured by. Units, bounds and descriptions stand here and nowhere else. */
export function createTurnInstruments(meter: Meter, histograms: Histograms) {
  const sum = (name: string, options: MetricOptions) => createSumCounter(meter.createObservableCounter(name, options));
  const upDown = (name: string, options: MetricOptions) =>
    createSumCounter(meter.createObservableUpDownCounter(name, options));
  return {
    baseline: sum("stategate.tokens.baseline", {
      ...TOKENS,
      description: "Prompt tokens a full replay would have been billed",
    }),
    sent: sum("stategate.tokens.sent", { ...TOKENS, description: "Prompt tokens billed" }),
    cached: sum("stategate.tokens.cached", {
      ...TOKENS,
      description: "Prompt tokens billed at the cached price",
    }),
    overhead: sum("stategate.tokens.overhead", {
      ...TOKENS,
      description: "Tokens of the gateway's own model calls",
    }),
    saved: upDown("stategate.tokens.saved", {
      ...TOKENS,
      description: "Baseline less sent less overhead; may be negative",
    }),
    wouldSave: upDown("stategate.tokens.would_save", {
      ...TOKENS,
      description: "What observed turns would have saved; may be negative",
    }),
    costWouldSave: upDown("stategate.cost.would_save", {
      ...USD,
      description: "What observed turns would have saved; may be negative",
    }),
    costBaseline: sum("stategate.cost.baseline", {
      ...USD,
      description: "Input cost of a full replay under the same prompt cache",
    }),
    costSent: sum("stategate.cost.sent", { ...USD, description: "Input cost billed" }),
    costOverhead: sum("stategate.cost.overhead", {
      ...USD,
      description: "Cost of the gateway's own model calls",
    }),
    costSaved: upDown("stategate.cost.saved", {
      ...USD,
      description: "Baseline less sent less overhead; may be negative",
    }),
    compactions: sum("stategate.compactions", { unit: "{compaction}" }),
    epochLength: histograms.create("stategate.epoch.length", {
      unit: "{turn}",
      advice: { explicitBucketBoundaries: [1, 2, 5, 10, 20, 50, 100, 200, 500] },
    }),
    recall: sum("stategate.recall", {
      unit: "{request}",
      description: "Requests whose session has turns that are not sent, by what came of looking there",
    }),
    redactions: sum("stategate.redactions", { unit: "{value}" }),
    degraded: sum("stategate.degraded", { unit: "{event}" }),
    delivered: sum("stategate.outbox.delivered", {
      unit: "{turn}",
      description: "Turns that waited in the outbox, by what became of them",
    }),
    overheadDuration: histograms.create("stategate.overhead.duration", {
      ...OWN_TIME,
      description: "The gateway's own time, per stage",
    }),
    storeDuration: histograms.create("stategate.store.duration", OWN_TIME),
    usage: histograms.create("gen_ai.client.token.usage", {
      ...TOKENS,
      advice: { explicitBucketBoundaries: [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576] },
    }),
    requestDuration: histograms.create("gen_ai.server.request.duration", SECONDS),
    firstToken: histograms.create("gen_ai.server.time_to_first_token", SECONDS),
  };
}
