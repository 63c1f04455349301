import type { Attributes, Meter, MetricOptions } from "@opentelemetry/api";

import { attribute, createModelLabels } from "./attributes.ts";
import { neverThrowing } from "./never-throwing.ts";
import { createSumCounter } from "./sum-counter.ts";
import type { TurnMeter } from "./turn-meter.ts";

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

function createInstruments(meter: Meter) {
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
    epochLength: meter.createHistogram("stategate.epoch.length", {
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
    overheadDuration: meter.createHistogram("stategate.overhead.duration", {
      ...OWN_TIME,
      description: "The gateway's own time, per stage",
    }),
    storeDuration: meter.createHistogram("stategate.store.duration", OWN_TIME),
    usage: meter.createHistogram("gen_ai.client.token.usage", {
      ...TOKENS,
      advice: { explicitBucketBoundaries: [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576] },
    }),
    requestDuration: meter.createHistogram("gen_ai.server.request.duration", SECONDS),
    firstToken: meter.createHistogram("gen_ai.server.time_to_first_token", SECONDS),
  };
}

/** Records turns on OpenTelemetry instruments. */
export function createTurnMeter(meter: Meter): TurnMeter {
  const use = createInstruments(meter);
  const labelOf = createModelLabels();
  const turnOf = attributeSets(attribute.model, attribute.strategy, attribute.mode);
  const callOf = attributeSets(attribute.model, attribute.purpose);
  const usageOf = attributeSets(attribute.operation, attribute.provider, attribute.model, attribute.tokenType);
  const requestOf = attributeSets(attribute.operation, attribute.provider, attribute.model, attribute.status);
  const firstTokenOf = attributeSets(attribute.operation, attribute.provider, attribute.model);
  const reasonOf = attributeSets(attribute.reason);
  const entityOf = attributeSets(attribute.entity);
  const outcomeOf = attributeSets(attribute.outcome);
  const stageOf = attributeSets(attribute.stage);
  const storeOf = attributeSets(attribute.storeOperation, attribute.outcome);
  return neverThrowing({
    turn({ model, strategy, mode, ...figures }) {
      const label = labelOf(model);
      const of = turnOf(label, strategy, mode);
      use.baseline.add(figures.baselineTokens, of);
      use.sent.add(figures.sentTokens, of);
      use.cached.add(figures.cachedTokens, of);
      use.saved.add(figures.baselineTokens - figures.sentTokens, of);
      use.usage.record(figures.sentTokens, usageOf("chat", "openai", label, "input"));
      use.usage.record(figures.completionTokens, usageOf("chat", "openai", label, "output"));
      if (!figures.usd) return;
      use.costBaseline.add(figures.usd.baseline, of);
      use.costSent.add(figures.usd.sent, of);
      use.costSaved.add(figures.usd.baseline - figures.usd.sent, of);
    },
    observed({ model, strategy, mode, tokens, usd }) {
      const of = turnOf(labelOf(model), strategy, mode);
      use.wouldSave.add(tokens, of);
      if (usd !== undefined) use.costWouldSave.add(usd, of);
    },
    overhead({ model, purpose, promptTokens, completionTokens, usd }) {
      const of = callOf(labelOf(model), purpose);
      use.overhead.add(promptTokens + completionTokens, of);
      use.saved.add(-(promptTokens + completionTokens), of);
      if (usd === undefined) return;
      use.costOverhead.add(usd, of);
      use.costSaved.add(-usd, of);
    },
    compaction(reason, epochTurns) {
      use.compactions.add(1, reasonOf(reason));
      use.epochLength.record(epochTurns);
    },
    recall: (outcome) => use.recall.add(1, outcomeOf(outcome)),
    redactions(counts) {
      for (const [entity, count] of Object.entries(counts)) use.redactions.add(count, entityOf(entity));
    },
    degraded: (reason) => use.degraded.add(1, reasonOf(reason)),
    delivered: (delivery) => use.delivered.add(1, outcomeOf(delivery)),
    stage: (stage, milliseconds) => use.overheadDuration.record(milliseconds / 1000, stageOf(stage)),
    store: (operation, outcome, milliseconds) =>
      use.storeDuration.record(milliseconds / 1000, storeOf(operation, outcome)),
    upstream({ model, status, durationMs, firstByteMs }) {
      const label = labelOf(model);
      use.requestDuration.record(durationMs / 1000, requestOf("chat", "openai", label, status));
      if (firstByteMs !== undefined) use.firstToken.record(firstByteMs / 1000, firstTokenOf("chat", "openai", label));
    },
  });
}

/** The same values give the same object. Every label has few values, so the sets stay few. */
function attributeSets(...keys: readonly string[]): (...values: readonly (string | number)[]) => Attributes {
  const sets = new Map<string, Attributes>();
  return (...values) => {
    const name = values.join("\u0000");
    const known = sets.get(name);
    if (known) return known;
    const made = Object.fromEntries(keys.map((key, index) => [key, values[index]]));
    sets.set(name, made);
    return made;
  };
}
