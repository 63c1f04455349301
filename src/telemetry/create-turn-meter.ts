import type { Meter } from "@opentelemetry/api";

import { attribute, createModelLabels } from "./attributes.ts";
import type { Histograms } from "./histograms.ts";
import { neverThrowing } from "./never-throwing.ts";
import { perLabel } from "./per-label.ts";
import { createTurnInstruments } from "./turn-instruments.ts";
import type { TurnMeter } from "./turn-meter.ts";

type Instruments = ReturnType<typeof createTurnInstruments>;

/** Records turns on OpenTelemetry instruments, each bound to its labels once: what a turn measures leaves no garbage. */
export function createTurnMeter(meter: Meter, histograms: Histograms): TurnMeter {
  const use = createTurnInstruments(meter, histograms);
  const labelOf = createModelLabels();
  const ofModel = perLabel((model: string) => bindModel(use, model));
  const cutFor = perLabel((reason: string) => use.compactions.bind({ [attribute.reason]: reason }));
  const epochLength = use.epochLength.bind({});
  const recalled = perLabel((outcome: string) => use.recall.bind({ [attribute.outcome]: outcome }));
  const redacted = perLabel((entity: string) => use.redactions.bind({ [attribute.entity]: entity }));
  const degradedBy = perLabel((reason: string) => use.degraded.bind({ [attribute.reason]: reason }));
  const deliveredAs = perLabel((outcome: string) => use.delivered.bind({ [attribute.outcome]: outcome }));
  const ofStage = perLabel((stage: string) => use.overheadDuration.bind({ [attribute.stage]: stage }));
  const ofStoreCall = perLabel((operation: string) =>
    perLabel((outcome: string) =>
      use.storeDuration.bind({ [attribute.storeOperation]: operation, [attribute.outcome]: outcome }),
    ),
  );
  return neverThrowing({
    turn({ model, strategy, mode, sentTokens, cachedTokens, completionTokens, baselineTokens, usd }) {
      const its = ofModel(labelOf(model));
      const turns = its.turns(strategy)(mode);
      turns.baseline.add(baselineTokens);
      turns.sent.add(sentTokens);
      turns.cached.add(cachedTokens);
      turns.saved.add(baselineTokens - sentTokens);
      its.input.record(sentTokens);
      its.output.record(completionTokens);
      if (!usd) return;
      turns.costBaseline.add(usd.baseline);
      turns.costSent.add(usd.sent);
      turns.costSaved.add(usd.baseline - usd.sent);
    },
    observed({ model, strategy, mode, tokens, usd }) {
      const turns = ofModel(labelOf(model)).turns(strategy)(mode);
      turns.wouldSave.add(tokens);
      if (usd !== undefined) turns.costWouldSave.add(usd);
    },
    overhead({ model, purpose, promptTokens, completionTokens, usd }) {
      const calls = ofModel(labelOf(model)).ownCalls(purpose);
      calls.overhead.add(promptTokens + completionTokens);
      calls.saved.add(-(promptTokens + completionTokens));
      if (usd === undefined) return;
      calls.costOverhead.add(usd);
      calls.costSaved.add(-usd);
    },
    compaction(reason, epochTurns) {
      cutFor(reason).add(1);
      epochLength.record(epochTurns);
    },
    recall: (outcome) => recalled(outcome).add(1),
    redactions(counts) {
      for (const entity in counts) redacted(entity).add(counts[entity] ?? 0);
    },
    degraded: (reason) => degradedBy(reason).add(1),
    delivered: (delivery) => deliveredAs(delivery).add(1),
    stage: (stage, milliseconds) => ofStage(stage).record(milliseconds / 1000),
    store: (operation, outcome, milliseconds) => ofStoreCall(operation)(outcome).record(milliseconds / 1000),
    upstream({ model, status, durationMs, firstByteMs }) {
      const its = ofModel(labelOf(model, status < 400));
      its.requests(status).record(durationMs / 1000);
      if (firstByteMs !== undefined) its.firstToken.record(firstByteMs / 1000);
    },
  });
}

/** What is measured of one model. What never happens is bound and not told. */
function bindModel(use: Instruments, model: string) {
  const labels = { [attribute.operation]: "chat", [attribute.provider]: "openai", [attribute.model]: model };
  return {
    input: use.usage.bind({ ...labels, [attribute.tokenType]: "input" }),
    output: use.usage.bind({ ...labels, [attribute.tokenType]: "output" }),
    firstToken: use.firstToken.bind(labels),
    requests: perLabel((status: number) => use.requestDuration.bind({ ...labels, [attribute.status]: status })),
    turns: perLabel((strategy: string) => perLabel((mode: string) => bindTurns(use, { model, strategy, mode }))),
    ownCalls: perLabel((purpose: string) => bindOwnCalls(use, { model, purpose })),
  };
}

function bindTurns(use: Instruments, { model, strategy, mode }: { model: string; strategy: string; mode: string }) {
  const labels = { [attribute.model]: model, [attribute.strategy]: strategy, [attribute.mode]: mode };
  return {
    baseline: use.baseline.bind(labels),
    sent: use.sent.bind(labels),
    cached: use.cached.bind(labels),
    saved: use.saved.bind(labels),
    wouldSave: use.wouldSave.bind(labels),
    costBaseline: use.costBaseline.bind(labels),
    costSent: use.costSent.bind(labels),
    costSaved: use.costSaved.bind(labels),
    costWouldSave: use.costWouldSave.bind(labels),
  };
}

function bindOwnCalls(use: Instruments, { model, purpose }: { model: string; purpose: string }) {
  const labels = { [attribute.model]: model, [attribute.purpose]: purpose };
  return {
    overhead: use.overhead.bind(labels),
    saved: use.saved.bind(labels),
    costOverhead: use.costOverhead.bind(labels),
    costSaved: use.costSaved.bind(labels),
  };
}
