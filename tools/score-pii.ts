import { readFileSync } from "node:fs";

import type { EntityType } from "../src/redaction/redactor.ts";
import { lowerBound, tally, type Tallies } from "../test/support/pii/score.ts";

/** Names of presidio-research's labels; what is labelled otherwise is not looked for. */
const LABELS: Readonly<Record<string, EntityType>> = {
  CREDIT_CARD: "CARD",
  PHONE_NUMBER: "PHONE",
  EMAIL_ADDRESS: "EMAIL",
  IBAN_CODE: "IBAN",
  US_SSN: "SSN",
  IP_ADDRESS: "IP",
};

interface Labelled {
  readonly text: string;
  readonly spans: readonly { readonly type: string; readonly start: number; readonly end: number }[];
}

const [path, mode] = process.argv.slice(2);
if (path === undefined) throw new TypeError("usage: npm run score:pii -- FILE [--misses]");
const texts = JSON.parse(readFileSync(path, "utf8")) as readonly Labelled[];
const tallies: Tallies = new Map();
for (const { text, spans } of texts) {
  const wanted = spans.flatMap(({ type, start, end }) => {
    const label = LABELS[type];
    return label === undefined ? [] : [{ type: label, start, end }];
  });
  const found = tally(tallies, { text, spans: wanted });
  if (mode === "--misses") printMisses(text, { wanted, found });
}

type Spans = readonly { readonly type: string; readonly start: number; readonly end: number }[];

function printMisses(text: string, { wanted, found }: { wanted: Spans; found: Spans }): void {
  const near = ({ type, start, end }: Spans[number]): string =>
    `${type} ${JSON.stringify(text.slice(Math.max(0, start - 30), start))} >${text.slice(start, end)}<\n`;
  for (const span of wanted)
    if (!found.some((other) => other.type === span.type && other.start <= span.start && other.end >= span.end))
      process.stdout.write(`missed ${near(span)}`);
  for (const span of found)
    if (!wanted.some((other) => other.type === span.type && other.start < span.end && other.end > span.start))
      process.stdout.write(`wrong  ${near(span)}`);
}

process.stdout.write(`${texts.length} texts; at least: lower end of the 95 % interval\n`);
process.stdout.write("entity      n  recall  at least  precision  at least\n");
for (const [type, { wanted, covered, claimed, right }] of tallies) {
  const share = (hits: number, tried: number): string => (tried === 0 ? "-" : (hits / tried).toFixed(3)).padStart(6);
  process.stdout.write(
    `${type.padEnd(8)} ${String(wanted).padStart(4)}  ${share(covered, wanted)}    ${lowerBound(covered, wanted).toFixed(3)}     ${share(right, claimed)}     ${lowerBound(right, claimed).toFixed(3)}\n`,
  );
}
