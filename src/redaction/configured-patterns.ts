import type { Detector } from "./detectors/detector.ts";
import { patternDetector } from "./detectors/pattern.ts";
import { ENTITY_PRIORITY } from "./placeholder.ts";

/** An own kind of what is to be withheld: `{ name: "EMPLOYEE_ID", pattern: "E[0-9]{6}" }`. */
export interface ConfiguredPattern {
  readonly name: string;
  readonly pattern: string;
}

/** @throws TypeError that lists every mistake under its path in the configuration */
export function configuredDetectors(patterns: readonly ConfiguredPattern[]): readonly Detector[] {
  const mistakes: string[] = [];
  const detectors = patterns.flatMap(({ name, pattern }, index) => {
    const path = `redaction.patterns.${index}`;
    if (isBuiltIn(name)) mistakes.push(`${path}.name: ${name} is built in; choose another name`);
    try {
      return [patternDetector(name, pattern)];
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      mistakes.push(`${path}.pattern: ${error.message}`);
      return [];
    }
  });
  if (mistakes.length > 0) throw new TypeError(["the configuration is wrong:", ...mistakes].join("\n  "));
  return detectors;
}

const isBuiltIn = (name: string): boolean => ENTITY_PRIORITY.some((entity) => entity === name);
