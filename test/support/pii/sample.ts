import type { EntityType } from "../../../src/redaction/redactor.ts";

/** A text and the one value in it that must be found. */
export interface Sample {
  readonly type: EntityType;
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** What kind of value it is, such as the country: for the table of what was missed. */
  readonly kind: string;
}

/** Puts a value in the place of `{}`. */
export function placed(template: string, value: string, about: Pick<Sample, "type" | "kind">): Sample {
  const start = template.indexOf("{}");
  return { ...about, text: template.replace("{}", () => value), start, end: start + value.length };
}
