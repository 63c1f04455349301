import { canonicalValue, foldedText } from "./canonical-value.ts";
import type { EntityType } from "./redactor.ts";
import type { SearchRules } from "./search-rules.ts";

/** Types whose canonical form keeps digits alone: a value with words in it is none of them. */
const NUMBERS = new Set<EntityType>(["CARD", "PHONE", "SSN"]);
const WORD = /[a-z]{2}/i;

/** Values that stay: compared as placeholders compare them, and whatever case they are written in. */
export function createAllowList(values: readonly string[]): SearchRules["isAllowed"] {
  if (values.length === 0) return () => false;
  const allowedByType = new Map<EntityType, ReadonlySet<string>>();
  return (type, value) => {
    const allowed = allowedByType.get(type) ?? canonicalSet(type, values);
    allowedByType.set(type, allowed);
    return allowed.has(caseless(type, value));
  };
}

function canonicalSet(type: EntityType, values: readonly string[]): ReadonlySet<string> {
  const comparable = NUMBERS.has(type) ? values.filter((value) => !WORD.test(foldedText(value))) : values;
  return new Set(comparable.map((value) => caseless(type, value)).filter((value) => value !== ""));
}

const caseless = (type: EntityType, value: string): string => canonicalValue(type, value).toLowerCase();
