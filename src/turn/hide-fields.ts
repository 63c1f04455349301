import { GatewayError } from "../errors/gateway-error.ts";
import { type Bytes, toBuffer } from "../kit/held-bytes.ts";
import { hasRepeatedKeys } from "../protocol/repeated-keys.ts";
import type { Span } from "../protocol/scan-body.ts";
import type { Redactor } from "../redaction/redactor.ts";
import { sumCounts } from "./sum-counts.ts";
import type { WithheldNotes } from "./withheld-notes.ts";

/** One member of a JSON body as it may leave. */
export interface HiddenField {
  readonly key: string;
  readonly name: string;
  readonly value: Buffer;
}

export interface HiddenFields {
  readonly fields: readonly HiddenField[];
  /** Nothing had to be changed. */
  readonly isSame: boolean;
  readonly counts: Readonly<Record<string, number>>;
}

interface BodyParts {
  readonly body: Buffer;
  readonly members: ReadonlyMap<string, Span>;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a provider must know as it is: which model is asked. */
const OPEN_FIELD = "model";

/**
 * The members of a request's body with every string, key and number of them redacted; what needs no change keeps its
 * bytes. Settings that are plain numbers stay, and so does the model's name.
 *
 * @throws GatewayError `redaction_failed`: then nothing may leave
 */
export async function hideFields(
  { body, members, fields }: BodyParts,
  { redactor, notes }: { redactor: Redactor; notes: WithheldNotes },
): Promise<HiddenFields> {
  const keys = [...members.keys()];
  const values = keys.map((key) => (isText(key, fields[key]) ? fields[key] : null));
  // Each value stands under its key, which tells a detector what it may be.
  const given = keys.map((key, index) => ({ [key]: values[index] }));
  const redactions = await redactor.redactValues(given, notes.name);
  let isSame = true;
  const hidden = keys.map((key, index): HiddenField => {
    const [name, value] = Object.entries(redactions[index]?.value ?? {})[0] ?? [];
    if (name === undefined) throw new GatewayError("redaction_failed", "a field without its redaction");
    notes.noteNames(values[index], value);
    const { start, end } = members.get(key) ?? { start: 0, end: 0 };
    const bytes = body.subarray(start, end);
    const isOpen = value === values[index] && !(isText(key, value) && hasRepeatedKeys(bytes, value));
    isSame &&= isOpen && name === key;
    return { key, name, value: isOpen ? bytes : Buffer.from(JSON.stringify(value)) };
  });
  return { fields: hidden, isSame, counts: sumCounts(redactions) };
}

const isText = (key: string, value: unknown): boolean =>
  key !== OPEN_FIELD && (typeof value === "string" || (typeof value === "object" && value !== null));

const COMMA = Buffer.from(",");

/** A body made of redacted members, in their order. */
export function composeBody(
  fields: readonly HiddenField[],
  replaced: Readonly<Record<string, readonly Buffer[]>>,
): Buffer[] {
  const known = new Set(fields.map(({ key }) => key));
  const added = Object.keys(replaced)
    .filter((key) => !known.has(key))
    .map((key) => ({ key, name: key, value: Buffer.alloc(0) }));
  const members = [...fields, ...added].flatMap(({ key, name, value }, index) => {
    const opening = `${index === 0 ? "{" : ","}${JSON.stringify(name)}:`;
    return [Buffer.from(opening), ...(replaced[key] ?? [value])];
  });
  return [...members, Buffer.from("}")];
}

/** A JSON array of what is JSON already. */
export const jsonArray = (items: readonly Bytes[]): readonly Buffer[] => [
  Buffer.from("["),
  ...items.flatMap((item, index) => (index === 0 ? [toBuffer(item)] : [COMMA, toBuffer(item)])),
  Buffer.from("]"),
];
