import type { Attributes, Meter } from "@opentelemetry/api";

import { attribute, createModelLabels } from "./attributes.ts";
import { neverThrowing } from "./never-throwing.ts";
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
  return {
    baseline: meter.createCounter("stategate.tokens.baseline", {
      ...TOKENS,
      description: "Prompt tokens a full replay would have been billed",
    }),
    sent: meter.createCounter("stategate.tokens.sent", { ...TOKENS, description: "Prompt tokens billed" }),
    cached: meter.createCounter("stategate.tokens.cached", {
      ...TOKENS,
      description: "Prompt tokens billed at the cached price",
    }),
    overhead: meter.createCounter("stategate.tokens.overhead", {
      ...TOKENS,
      description: "Tokens of the gateway's own model calls",
    }),
    saved: meter.createUpDownCounter("stategate.tokens.saved", {
      ...TOKENS,
      description: "Baseline less sent less overhead; may be negative",
    }),
    costBaseline: meter.createCounter("stategate.cost.baseline", {
      ...USD,
      description: "Input cost of a full replay under the same prompt cache",
    }),
    costSent: meter.createCounter("stategate.cost.sent", { ...USD, description: "Input cost billed" }),
    costOverhead: meter.createCounter("stategate.cost.overhead", {
      ...USD,
      description: "Cost of the gateway's own model calls",
    }),
    costSaved: meter.createUpDownCounter("stategate.cost.saved", {
      ...USD,
      description: "Baseline less sent less overhead; may be negative",
    }),
    compactions: meter.createCounter("stategate.compactions", { unit: "{compaction}" }),
    epochLength: meter.createHistogram("stategate.epoch.length", {
      unit: "{turn}",
      advice: { explicitBucketBoundaries: [1, 2, 5, 10, 20, 50, 100, 200, 500] },
    }),
    redactions: meter.createCounter("stategate.redactions", { unit: "{value}" }),
    degraded: meter.createCounter("stategate.degraded", { unit: "{event}" }),
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

/** Records turns on OpenTelemetry instruments. Attribute sets are made once and used again. */
export function createTurnMeter(meter: Meter): TurnMeter {
  const use = createInstruments(meter);
  const labelOf = createModelLabels();
  const attributes = createAttributeSets();
  const genAi = (model: string, extra: Attributes = {}): Attributes =>
    attributes({
      [attribute.operation]: "chat",
      [attribute.provider]: "openai",
      [attribute.model]: labelOf(model),
      ...extra,
    });
  return neverThrowing({
    turn({ model, strategy, mode, ...figures }) {
      const of = attributes({
        [attribute.model]: labelOf(model),
        [attribute.strategy]: strategy,
        [attribute.mode]: mode,
      });
      use.baseline.add(figures.baselineTokens, of);
      use.sent.add(figures.sentTokens, of);
      use.cached.add(figures.cachedTokens, of);
      use.saved.add(figures.baselineTokens - figures.sentTokens, of);
      use.usage.record(figures.sentTokens, genAi(model, { [attribute.tokenType]: "input" }));
      use.usage.record(figures.completionTokens, genAi(model, { [attribute.tokenType]: "output" }));
      if (!figures.usd) return;
      use.costBaseline.add(figures.usd.baseline, of);
      use.costSent.add(figures.usd.sent, of);
      use.costSaved.add(figures.usd.baseline - figures.usd.sent, of);
    },
    overhead({ model, purpose, promptTokens, completionTokens, usd }) {
      const of = attributes({ [attribute.model]: labelOf(model), [attribute.purpose]: purpose });
      use.overhead.add(promptTokens + completionTokens, of);
      use.saved.add(-(promptTokens + completionTokens), of);
      if (usd === undefined) return;
      use.costOverhead.add(usd, of);
      use.costSaved.add(-usd, of);
    },
    compaction(reason, epochTurns) {
      use.compactions.add(1, attributes({ [attribute.reason]: reason }));
      use.epochLength.record(epochTurns);
    },
    redactions(counts) {
      for (const [entity, count] of Object.entries(counts))
        use.redactions.add(count, attributes({ [attribute.entity]: entity }));
    },
    degraded: (reason) => use.degraded.add(1, attributes({ [attribute.reason]: reason })),
    stage: (stage, milliseconds) =>
      use.overheadDuration.record(milliseconds / 1000, attributes({ [attribute.stage]: stage })),
    store: (operation, outcome, milliseconds) =>
      use.storeDuration.record(
        milliseconds / 1000,
        attributes({ [attribute.storeOperation]: operation, [attribute.outcome]: outcome }),
      ),
    upstream({ model, status, durationMs, firstByteMs }) {
      use.requestDuration.record(durationMs / 1000, genAi(model, { [attribute.status]: status }));
      if (firstByteMs !== undefined) use.firstToken.record(firstByteMs / 1000, genAi(model));
    },
  });
}

/** The same values give the same object: the SDK's look-up by attributes is the dearest part of a measurement. */
function createAttributeSets(): (values: Attributes) => Attributes {
  const sets = new Map<string, Attributes>();
  return (values) => {
    const name = Object.values(values).join("\u0000");
    const known = sets.get(name);
    if (known) return known;
    sets.set(name, values);
    return values;
  };
}
