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

/** Repeated to any length, each makes some part of a detector start over and over again. */
const SHAPES = (
  "a│1│@│.│-│ │\n│+│(│:│=│_│/│,│ey│A│a.│a@│@a│a.a@│1-│1 │1.│1\n│12 34 │+1 │(1) │1/2/│555 1234 │0171 2345678 │call 1 │1x│1 ext│" +
  "sk-│ghp_│eyJ-│ey.│eyJabcdefghijklm.│bearer a│AKIA│SG.│Q~│1:A│://a:b│://│-----BEGIN │-----BEGIN PRIVATE KEY-----│password=│a=a│" +
  "token: a1│.atlasv1.│DE89│DE89 │DE8937040044053201300│2001:│1.1.1.│255.255.255.255.│2a:│4111 │4111111111111111│4 │123-45-│" +
  "123-45-6789│jane@exa\n│\n@a.com│a\n@"
).split("│");
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
    it.each(SHAPES)("%j", (unit) => {
      const short = steps(detector, unit.repeat(Math.ceil(4_000 / unit.length)));
      const long = steps(detector, unit.repeat(Math.ceil(40_000 / unit.length)));
      expect(long / short).toBeLessThan(15);
      expect(long / 40_000).toBeLessThan(detector === greedy ? 3000 : 600);
    });
  },
);
