import { randomInt } from "node:crypto";

/** A value that must never rest in clear, and a sentence in which people write it. */
export interface PlantedValue {
  readonly kind: string;
  readonly value: string;
  readonly sentence: string;
}

const digits = (count: number): string => Array.from({ length: count }, () => randomInt(10)).join("");
const letters = (count: number, alphabet: string): string =>
  Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join("");
const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function cardNumber(): string {
  const body = `4${digits(14)}`;
  let sum = 0;
  for (const [index, digit] of [...body].reverse().entries()) {
    const doubled = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return `${body}${(10 - (sum % 10)) % 10}`.replaceAll(/(\d{4})(?=\d)/g, "$1 ");
}

function iban(): string {
  const account = digits(18);
  // DE is 13 14 in digits, and the check digits stand behind it as 00.
  const check = 98n - (BigInt(`${account}131400`) % 97n);
  return `DE${String(check).padStart(2, "0")}${account}`;
}

const kinds: readonly (() => Omit<PlantedValue, "sentence"> & { readonly before: string })[] = [
  () => ({
    kind: "e-mail",
    before: "write to",
    value: `ada.${letters(10, "abcdefghij")}@post${digits(5)}.example.org`,
  }),
  () => ({ kind: "phone", before: "my phone number is", value: `+49 30 9${digits(3)} ${digits(4)}` }),
  () => ({
    kind: "ssn",
    before: "her SSN is",
    value: `${100 + randomInt(565)}-${10 + randomInt(89)}-${1000 + randomInt(8999)}`,
  }),
  () => ({ kind: "card", before: "charge my card", value: cardNumber() }),
  () => ({ kind: "iban", before: "send it to IBAN", value: iban() }),
  () => ({
    kind: "ip",
    before: "the server is",
    value: `${80 + randomInt(12)}.${100 + randomInt(155)}.${100 + randomInt(155)}.${100 + randomInt(155)}`,
  }),
  () => ({ kind: "secret", before: "use the key", value: `ghp_${letters(36, ALPHANUMERIC)}` }),
  () => ({ kind: "secret", before: "export it as", value: `AKIA${letters(16, UPPER)}` }),
  () => ({ kind: "secret", before: "and the other", value: `sk-ant-api03-${letters(40, ALPHANUMERIC)}` }),
];

/** So many different values, of every kind in turn. */
export function plantValues(count: number): PlantedValue[] {
  const planted = new Map<string, PlantedValue>();
  for (let index = 0; planted.size < count; index += 1) {
    const make = kinds[index % kinds.length];
    if (!make) throw new Error("no kinds");
    const { kind, value, before } = make();
    planted.set(value, { kind, value, sentence: `please ${before} ${value} today` });
  }
  return [...planted.values()];
}
