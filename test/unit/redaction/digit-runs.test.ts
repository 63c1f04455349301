import { describe, expect, it } from "vitest";

import { type DigitRun, forEachDigitRun } from "../../../src/redaction/detectors/digit-runs.ts";
import { shape } from "./redaction-probe.ts";

function runsOf(text: string, minDigits = 1): DigitRun[] {
  const runs: DigitRun[] = [];
  forEachDigitRun(text, { from: 0, to: text.length, minDigits }, (run) => runs.push(run));
  return runs;
}

describe("runs of digits", () => {
  it("say what stands between the groups", () => {
    const [run] = runsOf("+46 (0)8-92.8/57\n 1_2  3");
    expect(run?.groups.map((group) => group.digits)).toEqual(["46", "0", "8", "92", "8", "57", "1", "2", "3"]);
    expect(run?.links).toEqual(["(", "(", "-", ".", "/", "\n", "_", "="]);
  });

  it("end at a letter, a comma, or two marks in a row", () => {
    expect(runsOf("1a2,3--4").map((run) => run.groups.length)).toEqual([1, 1, 1, 1]);
  });

  it("with too few digits are passed over", () => {
    expect(runsOf("12 345, 1234567", 7).map((run) => run.groups[0]?.digits)).toEqual(["1234567"]);
  });

  it("that go on for long come in short pieces, and no number is lost between them", async () => {
    const table = "12 ".repeat(1000);
    expect(Math.max(...runsOf(table).map((run) => run.groups.length))).toBeLessThanOrEqual(48);
    for (let offset = 0; offset < 60; offset++) {
      const text = `${"12 ".repeat(offset)}4111 1111 1111 1111 ${"12 ".repeat(60)}`;
      expect(await shape(text)).toContain("[CARD]");
    }
  });
});
