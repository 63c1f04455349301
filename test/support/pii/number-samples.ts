import { modulo97 } from "./modulo-97.ts";
import type { Random } from "./random.ts";
import { placed, type Sample } from "./sample.ts";

/** Issuer ranges and lengths as the networks publish them. */
const NETWORKS: readonly (readonly [name: string, starts: readonly string[], lengths: readonly number[]])[] = [
  ["Visa", ["4"], [13, 16, 19]],
  ["Mastercard", ["51", "52", "53", "54", "55", "2221", "2300", "2501", "2720"], [16]],
  ["American Express", ["34", "37"], [15]],
  ["Diners Club", ["300", "301", "305", "36", "38", "39", "3095"], [14, 16, 19]],
  ["Discover", ["6011", "644", "649", "65"], [16, 19]],
  ["JCB", ["3528", "3550", "3589"], [16, 17, 18, 19]],
  ["JCB of old", ["2131", "1800"], [15]],
  ["UnionPay", ["62", "81"], [16, 17, 18, 19]],
  [
    "Maestro",
    ["5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763"],
    [12, 13, 14, 15, 16, 17, 18, 19],
  ],
  ["Mir", ["2200", "2204"], [16, 19]],
  ["RuPay", ["60", "65", "81", "82", "508"], [16]],
  ["Elo", ["636368", "438935", "504175", "451416"], [16]],
  ["Troy", ["9792"], [16]],
  ["Verve", ["506099", "650002"], [16, 18, 19]],
  ["Dankort", ["5019", "4571"], [16]],
  ["Hipercard", ["606282"], [16]],
  ["InstaPayment", ["637", "639"], [16]],
  ["UATP", ["1"], [15]],
];
const CARD_TEMPLATES = [
  "my card {} is lost",
  "Please block card no {}",
  "Card number: {}",
  "what is the limit for card {}?",
  "pay with visa {} exp 12/27 cvv 123",
  '{"card_number":"{}"}',
  '{"pan": {}}',
  "cc {}",
  "credit card # {}",
  "name,card\nJane,{}",
  "charge {} on my debit card",
  "Kreditkarte {}",
  "tarjeta {}",
  "carte {} svp",
  "number is {} on the card",
  "cardNumber={}&cvc=123",
  "card ending soon: {}.",
  "{} is my card",
  "I typed {} into the card field",
  "[card={}]",
  "2026-01-02 INFO payment card={} status=declined",
  "Karte Nr. {}",
  "CC: {}; exp: 01/29",
];
const BARE = ["{}", "use {} please", "so {} it is", "({})", '"{}"', "x;{};y", "pay with {} today"];
/** Two blanks only where the words around say what it is: columns of a table look the same. */
const GROUPINGS = ["  ", "", " ", "-", ".", "_", "\u00a0", "/"];

export function cardSample(random: Random): Sample {
  const [kind, starts, lengths] = random.pick(NETWORKS);
  const length = random.pick(lengths);
  const number = withLuhn(random.pick(starts), length, random);
  const isCommon = kind !== "UATP" && (kind !== "Maestro" || length >= 16);
  const template = isCommon && random.below(3) === 0 ? random.pick(BARE) : random.pick(CARD_TEMPLATES);
  const mark = template.includes(": {}}") ? "" : random.pick(BARE.includes(template) ? GROUPINGS.slice(1) : GROUPINGS);
  return placed(template, grouped(number, mark), { type: "CARD", kind: `${kind} ${length}, ${JSON.stringify(mark)}` });
}

function grouped(number: string, mark: string): string {
  if (number.length === 15) return number.replace(/^(.{4})(.{6})(.{5})$/, `$1${mark}$2${mark}$3`);
  if (number.length === 14) return number.replace(/^(.{4})(.{6})(.{4})$/, `$1${mark}$2${mark}$3`);
  return number.replaceAll(/(.{4})(?=.)/g, `$1${mark}`);
}

function withLuhn(start: string, length: number, random: Random): string {
  const body = start + random.digits(length - start.length - 1);
  const sum = [...body].toReversed().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return body + String((10 - (sum % 10)) % 10);
}

/** The accounts of the IBAN registry: `n` digits, `a` capital letters, `c` either. */
const STRUCTURES =
  "AD8n12c AE19n AL8n16c AT16n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BI23n BR23n1a1c BY4c4n16c CH5n12c CR18n CY8n16c CZ20n DE18n DJ23n DK14n DO4c20n " +
  "EE16n EG25n ES20n FI14n FK2a12n FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c GL14n GR7n16c GT4c20c HN4a20n HR17n HU24n IE4a14n IL19n IQ4a15n IS22n IT1a10n12c JO4a4n18c KW4a22c " +
  "KZ3n13c LB4n20c LC4a24c LI5n12c LT16n LU3n13c LV4a13c LY21n MC10n11c2n MD2c18c ME18n MK3n10c2n MN16n MR23n MT4a5n18c MU4a19n3a NI4a20n NL4a10n NO11n OM3n16c PK4a16c PL24n " +
  "PS4a21c PT21n QA4a21c RO4a16c RS18n RU14n15c SA2n18c SC4a20n3a SD14n SE20n SI15n SK20n SM1a10n12c SO19n ST21n SV4a20n TL19n TN20n TR6n16c UA6n19c VA18n VG4a16n XK16n YE4a4n18c";
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const IBAN_TEMPLATES = [
  "My IBAN is {}",
  "IBAN: {}",
  "{}",
  "transfer it to {} please",
  "Bankverbindung: {}, BIC COBADEFF",
  '{"iban":"{}"}',
  "iban={}&amount=12",
  "from {} to my other account",
  "({})",
  "name;iban\nJane;{}",
  "Please wire to IBAN {}.",
  "account {} and nothing else",
  "IBAN {} BIC ABCDEFGH",
  "Konto: {}\nDanke",
  "see {}, then call",
  "<IBAN>{}</IBAN>",
  "[{}]",
  "iban {} is mine",
  "{} is the account",
];

export function ibanSample(random: Random): Sample {
  const structure = random.pick(STRUCTURES.split(" "));
  const country = structure.slice(0, 2);
  const account = [...structure.slice(2).matchAll(/(\d+)([nac])/g)]
    .map(([, count, kind]) => Array.from({ length: Number(count) }, () => unitOf(kind ?? "n", random)).join(""))
    .join("");
  const number = `${country}${String(98 - modulo97(`${account}${country}00`)).padStart(2, "0")}${account}`;
  const mark = random.pick(["", "", " ", "-", ".", "\u00a0"]);
  const written = number.replaceAll(/(.{4})(?=.)/g, `$1${mark}`);
  const value = random.below(4) === 0 ? written.toLowerCase() : written;
  return placed(random.pick(IBAN_TEMPLATES), value, { type: "IBAN", kind: `${country} ${JSON.stringify(mark)}` });
}

function unitOf(kind: string, random: Random): string {
  if (kind === "n" || (kind === "c" && random.below(2) === 0)) return random.digits(1);
  return LETTERS.charAt(random.below(26));
}

const SSN_TEMPLATES = [
  "Here's my SSN: {}",
  "His social security number is {}",
  "ssn {}",
  "SSN# {}",
  "social security no. {}",
  '{"ssn":"{}"}',
  "ssn={};",
  "SS number {}",
  "Social Security #: {}",
  "name,ssn\nJane,{}",
  "my social is {}",
  "taxpayer's social security number ({})",
  "social_security_number: {}",
  "SSN of the patient: {}.",
  "{} is my social security number",
  "soc. sec. no. {}",
  "S.S.N. {}",
  "employeeSsn={}",
];
const SSN_BARE = ["{}", "so {} it is", "({})", "it is {}.", "x,{},y"];

export function ssnSample(random: Random): Sample {
  const area = String(1 + random.below(898)).padStart(3, "0");
  if (area === "666") return ssnSample(random);
  const parts = [area, String(1 + random.below(99)).padStart(2, "0"), String(1 + random.below(9999)).padStart(4, "0")];
  const mark = random.pick(["-", "-", " ", ".", "", "/", "\u2013", "\u2011", "_"]);
  const template = mark === "-" && random.below(3) === 0 ? random.pick(SSN_BARE) : random.pick(SSN_TEMPLATES);
  return placed(template, parts.join(mark), { type: "SSN", kind: JSON.stringify(mark) });
}
