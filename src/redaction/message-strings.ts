import type { ChatMessage } from "../protocol/chat-message.ts";

/** One string of a message and what is known about its place. */
export interface MessageString {
  readonly text: string;
  /** The key that a value of an unknown object stands under: context for the detectors. */
  readonly label?: string;
  /** A tool's name: its placeholder must be a legal name too. */
  readonly isIdentifier?: boolean;
  /** What a tool was called with: JSON before and after. */
  readonly isArguments?: boolean;
}

export type StringMapper = (string: MessageString) => string;

/**
 * Positions that stay as they are, because others point at them or choose their shape by them: who speaks, what kind of
 * part or call it is, and the ids that join a tool's result to its call. Everywhere else every string, key and number counts.
 */
const MESSAGE_EXEMPT = new Set(["role", "type", "id", "tool_call_id"]);
const PART_EXEMPT = new Set(["type", "id", "tool_use_id", "call_id"]);
const CALL_EXEMPT = new Set(["type", "id"]);
/** Keys that the contract itself writes; nobody puts anything into them, and every message has some. */
const CONTRACT_KEYS = new Set(
  (
    "role content name refusal tool_calls tool_call_id function_call audio annotations reasoning reasoning_content " +
    "reasoning_details type id text function custom arguments input image_url input_audio file"
  ).split(" "),
);
/** Smaller numbers cannot hold what is looked for. */
const MIN_NUMBER = 1_000_000;

type Fields = Readonly<Record<string, unknown>>;

/** Applies `map` to every string of a message, always in the same order. The same object comes back if no string changed. */
export function mapMessageStrings(message: ChatMessage, map: StringMapper): ChatMessage {
  const isTool = message.role === "tool" || message.role === "function";
  const mapMember = (key: string, value: unknown): unknown => {
    if (MESSAGE_EXEMPT.has(key) && typeof value === "string") return value;
    if (key === "name" && isTool && typeof value === "string") return map({ text: value, isIdentifier: true });
    if (key === "tool_calls") return mapItems(value, (call) => mapCall(call, map));
    if (key === "function_call") return mapNamed(value, map);
    if (key === "content") return mapContent(value, map);
    return typeof value === "string" ? map({ text: value }) : mapAny(value, { map, label: key });
  };
  return mapFields(message, mapMember, unlessContract(map));
}

const unlessContract =
  (map: StringMapper): StringMapper =>
  (string) =>
    CONTRACT_KEYS.has(string.text) ? string.text : map(string);

/** Applies `map` to every string, key and number of a request's value that is no message, always in the same order. */
export function mapRequestStrings<Value>(value: Value, map: StringMapper): Value {
  const named: StringMapper = (string) => map(string.label === "name" ? { ...string, isIdentifier: true } : string);
  return mapAny(value, { map: named }) as Value;
}

function mapContent(value: unknown, map: StringMapper): unknown {
  if (typeof value === "string") return map({ text: value });
  return mapItems(value, (part) => mapTyped(part, { map, exempt: PART_EXEMPT }));
}

function mapCall(value: unknown, map: StringMapper): unknown {
  return mapTyped(value, { map, exempt: CALL_EXEMPT, named: true });
}

interface TypedPlace {
  readonly map: StringMapper;
  readonly exempt: ReadonlySet<string>;
  readonly named?: boolean;
}

/** A part or a call: its own strings are content, whatever lies deeper is an unknown object. */
function mapTyped(value: unknown, { map, exempt, named = false }: TypedPlace): unknown {
  if (!isFields(value)) return mapAny(value, { map });
  const mapMember = (key: string, field: unknown): unknown => {
    if (exempt.has(key) && typeof field === "string") return field;
    if (named && isFields(field)) return mapNamed(field, map);
    return typeof field === "string" ? map({ text: field }) : mapAny(field, { map, label: key });
  };
  return mapFields(value, mapMember, unlessContract(map));
}

/** `function`, `custom` and `function_call`: a tool's name and what it was called with. */
function mapNamed(value: unknown, map: StringMapper): unknown {
  if (!isFields(value)) return mapAny(value, { map });
  const mapMember = (key: string, field: unknown): unknown => {
    if (typeof field !== "string") return mapAny(field, { map, label: key });
    if (key === "name") return map({ text: field, isIdentifier: true });
    return map(key === "arguments" ? { text: field, isArguments: true } : { text: field });
  };
  return mapFields(value, mapMember, unlessContract(map));
}

interface AnyPlace {
  readonly map: StringMapper;
  readonly label?: string;
}

function mapAny(value: unknown, place: AnyPlace): unknown {
  const { map, label } = place;
  if (typeof value === "string") return map(label === undefined ? { text: value } : { text: value, label });
  if (typeof value === "number") return mapNumber(value, place);
  if (Array.isArray(value)) return mapItems(value, (item) => mapAny(item, place));
  if (!isFields(value)) return value;
  return mapFields(value, (key, field) => mapAny(field, { map, label: key }), map);
}

/** A number in which something is found becomes its placeholder. */
function mapNumber(value: number, { map, label }: AnyPlace): unknown {
  if (!Number.isInteger(value) || Math.abs(value) < MIN_NUMBER) return value;
  const text = String(value);
  const mapped = map(label === undefined ? { text } : { text, label });
  return mapped === text ? value : mapped;
}

function mapItems(value: unknown, map: (item: unknown) => unknown): unknown {
  if (!Array.isArray(value)) return value;
  const items: readonly unknown[] = value;
  let changed: unknown[] | undefined;
  for (let index = 0; index < items.length; index += 1) {
    const mapped = map(items[index]);
    if (mapped !== items[index]) changed ??= items.slice(0, index);
    changed?.push(mapped);
  }
  return changed ?? value;
}

function mapFields<Value extends Fields>(
  fields: Value,
  mapField: (key: string, value: unknown) => unknown,
  mapKey?: StringMapper,
): Value {
  let changed: [string, unknown][] | undefined;
  const keys = Object.keys(fields);
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index] as keyof Value & string;
    const value = fields[key];
    const newKey = mapKey?.({ text: key }) ?? key;
    const newValue = mapField(key, value);
    if (newKey !== key || newValue !== value) changed ??= Object.entries(fields).slice(0, index);
    changed?.push([newKey, newValue]);
  }
  return changed ? (Object.fromEntries(changed) as Value) : fields;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
