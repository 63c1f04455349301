import { foldText } from "./fold-text.ts";
import type { EntityType } from "./redactor.ts";

/** `+1 (555) 123-4567` and `+15551234567` are one person, and so are `Jane@x.org` and `jane@x.org`. */
export function canonicalValue(type: EntityType, value: string): string {
  const folded = foldedText(value);
  switch (type) {
    case "EMAIL":
    case "IP":
      return folded.replaceAll(/\s/g, "").toLowerCase();
    case "PHONE":
      return folded.replace("(0)", "").replaceAll(/[^0-9+]/g, "");
    case "CARD":
    case "SSN":
      return folded.replaceAll(/[^0-9]/g, "");
    case "IBAN":
      return folded.replaceAll(/[^A-Za-z0-9]/g, "").toUpperCase();
    default:
      return folded;
  }
}

export function foldedText(value: string): string {
  const work = foldText(value);
  for (let step = work.next(); ; step = work.next()) if (step.done === true) return step.value.text;
}
