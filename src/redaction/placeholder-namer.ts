import type { KeyedHash } from "../sealing/keyed-hash.ts";
import { foldText } from "./fold-text.ts";
import type { EntityType, PlaceholderNamer } from "./redactor.ts";

/** Names values by a keyed hash within one session: nobody without the key can guess a value from its placeholder. */
export function placeholderNamer(keyedHash: KeyedHash, sessionScope: string): PlaceholderNamer {
  return (type, value) => {
    const hash = keyedHash.hash("placeholder", sessionScope, type, canonicalValue(type, value));
    return `[${type}_${Buffer.from(hash, "base64url").toString("hex").slice(0, 8)}]`;
  };
}

/** `+1 (555) 123-4567` and `+15551234567` are one person, and so are `Jane@x.org` and `jane@x.org`. */
function canonicalValue(type: EntityType, value: string): string {
  const folded = fold(value);
  switch (type) {
    case "SECRET":
      return folded;
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
  }
}

function fold(value: string): string {
  const work = foldText(value);
  for (let step = work.next(); ; step = work.next()) if (step.done === true) return step.value.text;
}
