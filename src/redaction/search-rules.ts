import type { Detector } from "./detectors/detector.ts";
import type { PlaceholderReader } from "./placeholder.ts";
import type { EntityType } from "./redactor.ts";

/** What is looked for in a text, and what is left alone. */
export interface SearchRules {
  readonly detectors: readonly Detector[];
  readonly placeholders: PlaceholderReader;
  /** Whether a value stays although a detector found it. */
  readonly isAllowed: (type: EntityType, value: string) => boolean;
}
