import { type JsonObject, isJsonObject } from "../protocol/json-object.ts";
import type { TextForm } from "./restore-text.ts";

/** Where a string stands in an answer, from the inside out. */
export interface AnswerPlace {
  readonly parent: AnswerPlace | undefined;
  /** The key it stands under; the key of the list for what stands in one. */
  readonly key: string;
  /** Of an item of a list: what tells it from its neighbours. */
  readonly item: JsonObject | undefined;
  readonly path: string;
}

export type PlacedMapper = (text: string, place: AnswerPlace) => string;

/** Others point at these or choose by them. Nothing was ever replaced here. */
const EXEMPT = new Set(["role", "type", "id", "tool_call_id"]);

/** Applies `map` to every string of a message or a delta, in place. True when one of them changed. */
export function mapAnswerStrings(fields: JsonObject, map: PlacedMapper): boolean {
  return mapFields(fields, undefined, map);
}

function mapFields(fields: JsonObject, parent: AnswerPlace | undefined, map: PlacedMapper): boolean {
  let changed = false;
  for (const [key, value] of Object.entries(fields)) {
    if (EXEMPT.has(key)) continue;
    const place = { parent, key, item: undefined, path: `${parent?.path ?? ""}/${key}` };
    changed = mapMember({ holder: fields, key, value }, place, map) || changed;
  }
  return changed;
}

function mapItems(items: unknown[], parent: AnswerPlace, map: PlacedMapper): boolean {
  let changed = false;
  for (const [index, value] of items.entries()) {
    const place = { parent, key: parent.key, item: marksOf(value), path: `${parent.path}/${itemName(value, index)}` };
    changed = mapMember({ holder: items, key: index, value }, place, map) || changed;
  }
  return changed;
}

type Member =
  | { readonly holder: JsonObject; readonly key: string; readonly value: unknown }
  | { readonly holder: unknown[]; readonly key: number; readonly value: unknown };

function mapMember(member: Member, place: AnswerPlace, map: PlacedMapper): boolean {
  const { value } = member;
  if (Array.isArray(value)) return mapItems(value, place, map);
  if (isJsonObject(value)) return mapFields(value, place, map);
  if (typeof value !== "string" || value === "") return false;
  const mapped = map(value, place);
  if (mapped === value) return false;
  Object.defineProperty(member.holder, member.key, {
    value: mapped,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return true;
}

/** Pieces of one part or call share its index, or else its type; an item without either is known by its position. */
export function itemName(value: unknown, position: number): string {
  const { index, type } = isJsonObject(value) ? value : {};
  return String(typeof index === "number" ? index : typeof type === "string" ? type : position);
}

function marksOf(value: unknown): JsonObject {
  const { index, type } = isJsonObject(value) ? value : {};
  return { ...(typeof index === "number" && { index }), ...(typeof type === "string" && { type }) };
}

/** A delta that says one text at a place, and nothing else. */
export function deltaWith(text: string, place: AnswerPlace): JsonObject {
  let value: unknown = text;
  for (let at: AnswerPlace | undefined = place; at; at = at.parent) {
    if (!at.item) value = { [at.key]: value };
    else value = [isJsonObject(value) ? { ...at.item, ...value } : value];
  }
  return value as JsonObject;
}

/** What a tool is called with is JSON by contract; what is said may be; the rest is not. */
export function formAt({ key }: AnswerPlace): TextForm {
  if (key === "arguments") return "json";
  return key === "content" || key === "text" || key === "input" ? "either" : "plain";
}
