import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { expect, it } from "vitest";

import { createTurnMeter } from "../../../src/telemetry/create-turn-meter.ts";
import { openTelemetry } from "../../../src/telemetry/sdk.ts";
import type { TurnMeter } from "../../../src/telemetry/turn-meter.ts";
import { figures } from "../../support/measured-turns.ts";

const TURNS = 50;
const call = { model: "gpt-5", status: 200, durationMs: 712.5, firstByteMs: 45.5 };
const counts = { EMAIL: 2 };

function measureHotTurns(meter: TurnMeter, turns: number): void {
  for (let turn = 0; turn < turns; turn += 1) {
    for (const stage of ["load", "plan", "redact", "append", "total"] as const) meter.stage(stage, 0.75);
    meter.store("load", "ok", 0.25);
    meter.store("commit", "ok", 1.5);
    meter.upstream(call);
    meter.turn(figures);
    meter.redactions(counts);
  }
}

it("what a hot turn measures leaves hardly any garbage", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const telemetry = await openTelemetry({ prometheus: true, otlp: false });
  const meter = createTurnMeter(telemetry.meter, telemetry.histograms);
  measureHotTurns(meter, 5_000);
  const perTurn = Array.from({ length: 9 }, () => {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    measureHotTurns(meter, TURNS);
    return (process.memoryUsage().heapUsed - before) / TURNS;
  });
  await telemetry.close();
  // The SDK's histograms leave 12 KB here.
  expect(perTurn.toSorted((one, other) => one - other)[4]).toBeLessThan(4_000);
});
