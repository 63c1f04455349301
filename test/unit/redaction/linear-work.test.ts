import { describe, expect, it } from "vitest";

import { cardDetector } from "../../../src/redaction/detectors/card.ts";
import type { Detector } from "../../../src/redaction/detectors/detector.ts";
import { emailDetector } from "../../../src/redaction/detectors/email.ts";
import { ibanDetector } from "../../../src/redaction/detectors/iban.ts";
import { ipDetector } from "../../../src/redaction/detectors/ip.ts";
import { patternDetector } from "../../../src/redaction/detectors/pattern.ts";
import { phoneDetector } from "../../../src/redaction/detectors/phone.ts";
import { secretDetector } from "../../../src/redaction/detectors/secret.ts";
import { ssnDetector } from "../../../src/redaction/detectors/ssn.ts";
import { HOSTILE_SHAPES, repeated } from "../../support/pii/hostile-shapes.ts";

/** A text that counts how often its characters are looked at. */
class CountingText extends String {
  steps = 0;

  override charCodeAt(index: number): number {
    this.steps++;
    return super.charCodeAt(index);
  }

  override charAt(index: number): string {
    this.steps++;
    return super.charAt(index);
  }

  override slice(start?: number, end?: number): string {
    const piece = super.slice(start, end);
    this.steps += piece.length;
    return piece;
  }

  override startsWith(search: string, position?: number): boolean {
    this.steps += search.length;
    return super.startsWith(search, position);
  }

  override indexOf(search: string, position = 0): number {
    const index = super.indexOf(search, position);
    this.steps += (index < 0 ? this.length : index) - Math.min(position, this.length) + 1;
    return index;
  }
}

function steps(detector: Detector, text: string): number {
  const counting = new CountingText(text);
  for (let from = 0; from < text.length;) {
    const next = detector.scan(counting as never, { from, to: Math.min(text.length, from + 1024), report: () => {} });
    expect(next).toBeGreaterThan(from);
    from = next;
  }
  return counting.steps;
}

/** A configured pattern that may have to read a whole window to decide about its first letter. */
const greedy = patternDetector("GREEDY", "a.*b|1.*2|[.-]x");
const DETECTORS = [
  emailDetector,
  phoneDetector,
  ssnDetector,
  cardDetector,
  ibanDetector,
  ipDetector,
  secretDetector,
  greedy,
];

describe.each(DETECTORS.map((detector) => [detector.type, detector] as const))(
  "%s reads in linear time",
  (_, detector) => {
    it.each(HOSTILE_SHAPES)("%j", (unit) => {
      const short = steps(detector, repeated(unit, 4_000));
      const long = steps(detector, repeated(unit, 40_000));
      expect(long / short).toBeLessThan(15);
      expect(long / 40_000).toBeLessThan(detector === greedy ? 3000 : 600);
    });
  },
);
