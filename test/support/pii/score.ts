import { BUILT_IN_DETECTORS } from "../../../src/redaction/built-in-detectors.ts";
import { findFindings } from "../../../src/redaction/find-findings.ts";
import { builtInPlaceholders } from "../../../src/redaction/placeholder.ts";
import type { EntityType, Finding } from "../../../src/redaction/redactor.ts";
import type { SearchRules } from "../../../src/redaction/search-rules.ts";

/** What was found of one type, and what should have been. */
export interface Tally {
  wanted: number;
  covered: number;
  claimed: number;
  right: number;
}

export type Tallies = Map<EntityType, Tally>;

export interface Marked {
  readonly text: string;
  readonly spans: readonly Finding[];
}

const RULES: SearchRules = {
  detectors: BUILT_IN_DETECTORS,
  placeholders: builtInPlaceholders,
  isAllowed: () => false,
};

export function findingsOf(text: string): readonly Finding[] {
  const work = findFindings(text, RULES);
  for (let step = work.next(); ; step = work.next()) if (step.done === true) return step.value;
}

/** Recall counts spans that a finding of their type covers whole; precision, findings that touch a span of their type. */
export function tally(tallies: Tallies, { text, spans }: Marked): readonly Finding[] {
  const findings = findingsOf(text);
  for (const span of spans) {
    const counts = tallyOf(tallies, span.type);
    counts.wanted++;
    if (findings.some((found) => found.type === span.type && found.start <= span.start && found.end >= span.end))
      counts.covered++;
  }
  for (const found of findings) {
    const counts = tallyOf(tallies, found.type);
    counts.claimed++;
    if (spans.some((span) => span.type === found.type && span.start < found.end && span.end > found.start))
      counts.right++;
  }
  return findings;
}

function tallyOf(tallies: Tallies, type: EntityType): Tally {
  const counts = tallies.get(type) ?? { wanted: 0, covered: 0, claimed: 0, right: 0 };
  tallies.set(type, counts);
  return counts;
}

/** The lower end of the 95 % interval of a share (Wilson): what a small sample still allows to say. */
export function lowerBound(hits: number, tried: number): number {
  if (tried === 0) return 0;
  const z = 1.96;
  const share = hits / tried;
  const middle = share + (z * z) / (2 * tried);
  const margin = z * Math.sqrt((share * (1 - share)) / tried + (z * z) / (4 * tried * tried));
  return Math.max(0, (middle - margin) / (1 + (z * z) / tried));
}
