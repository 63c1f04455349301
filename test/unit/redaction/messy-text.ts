import fc from "fast-check";

export const PLANTED = [
  "jane@example.com",
  "+1 415-555-0132",
  "123-45-6789",
  "4111 1111 1111 1111",
  "DE89370400440532013000",
];
const fragment = fc.oneof(
  fc.constantFrom(
    ...PLANTED,
    "86.121.97.248",
    `sk-${"a1B2".repeat(8)}`,
    "call ",
    "ssn ",
    "card ",
    " ",
    "\n",
    "-",
    "_",
    "[",
    "]",
  ),
  fc.constantFrom(
    "👩‍👩‍👧‍👦",
    "e\u0301",
    "\u200b",
    "\ud83d",
    "４",
    "٤",
    "[EMAIL_3fa91c02]",
    "EMAIL_12345678",
    "\\u0040",
    '\\"',
    "%40",
  ),
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.integer().map(String),
);
/** Values, disguises, pieces of both and what stands between them. */
export const messyText = fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join(""));
