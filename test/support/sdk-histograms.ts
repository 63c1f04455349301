import type { Meter } from "@opentelemetry/api";

import type { Histograms } from "../../src/telemetry/histograms.ts";

/** The SDK's own histograms, for comparing with ours. */
export const sdkHistograms = (meter: Meter): Histograms => ({
  create(name, options) {
    const histogram = meter.createHistogram(name, options);
    return { bind: (attributes) => ({ record: (value) => histogram.record(value, attributes) }) };
  },
});
