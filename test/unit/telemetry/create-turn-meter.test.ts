import { describe, expect, it } from "vitest";

import { createModelLabels } from "../../../src/telemetry/attributes.ts";
import { createTurnMeter } from "../../../src/telemetry/create-turn-meter.ts";
import { openTelemetry } from "../../../src/telemetry/sdk.ts";
import { figures, measureTurns } from "../../support/measured-turns.ts";

async function rendered(use: (meter: ReturnType<typeof createTurnMeter>) => void): Promise<string> {
  const telemetry = await openTelemetry({ prometheus: true, otlp: false });
  use(createTurnMeter(telemetry.meter, telemetry.histograms));
  const text = (await telemetry.renderMetrics?.()) ?? "";
  await telemetry.close();
  return text;
}

const valueOf = (text: string, name: string): number =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);

/** Without `target_info`, which names the SDK's version. The order of families means nothing. */
const families = (text: string): string =>
  text
    .split(/^(?=# HELP )/m)
    .filter((family) => !family.startsWith("# HELP target_info"))
    .map((family) => `${family.trim()}\n`)
    .toSorted()
    .join("");

describe("the turn meter", () => {
  it("tells the metrics that dashboards know, by name, unit, labels and buckets", async () => {
    const text = families(await rendered(measureTurns));
    await expect(text).toMatchFileSnapshot("../../fixtures/telemetry/metrics.prom");
  });

  it("lets savings be negative, and overhead makes them smaller", async () => {
    const text = await rendered((meter) => {
      meter.turn(figures);
      meter.overhead({ model: "gpt-5", purpose: "summary", promptTokens: 30, completionTokens: 10, usd: 0.0005 });
    });
    expect(valueOf(text, "stategate_tokens_saved")).toBe(-60);
    expect(valueOf(text, "stategate_cost_saved")).toBeCloseTo(-0.0015, 10);
  });

  it("reports only tokens of a model without a price", async () => {
    const text = await rendered((meter) => meter.turn({ ...figures, usd: undefined }));
    expect(valueOf(text, "stategate_tokens_sent_total")).toBe(100);
    expect(text).not.toContain("stategate_cost_sent_total{");
  });

  it("names at most a hundred models, however many clients invent", async () => {
    const text = await rendered((meter) => {
      for (let index = 0; index < 500; index += 1) meter.turn({ ...figures, model: `invented-${index}` });
    });
    const labels = new Set([...text.matchAll(/gen_ai_request_model="([^"]*)"/g)].map((match) => match[1]));
    expect(labels.size).toBe(101);
    expect(labels).toContain("other");
  });

  it("takes no name from a request that was refused: anybody may send one", async () => {
    const call = { durationMs: 1, firstByteMs: undefined };
    const text = await rendered((meter) => {
      for (let index = 0; index < 200; index += 1) {
        meter.upstream({ ...call, model: `jane-${index}@example.com`, status: 401 });
      }
      meter.upstream({ ...call, model: "gpt-5", status: 200 });
      meter.upstream({ ...call, model: "gpt-5", status: 429 });
    });
    const labels = new Set([...text.matchAll(/gen_ai_request_model="([^"]*)"/g)].map((match) => match[1]));
    expect(labels).toEqual(new Set(["other", "gpt-5"]));
  });

  it("never takes a long name for a label", () => {
    expect(createModelLabels()("m".repeat(65))).toBe("other");
  });
});
