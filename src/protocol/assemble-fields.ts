import type { JsonObject } from "./json-object.ts";
import { createTextPieces, type TextPieces } from "./text-pieces.ts";

/** Joins what comes in pieces once, at the end, so that long arguments cost no repeated copies. */
export interface FieldAssembler {
  add(delta: JsonObject): void;
  addField(field: string, value: unknown): void;
  get(field: string): unknown;
  fields(): JsonObject;
}

/** The first value of each field that is not empty; the fields named in `inPieces` are appended. */
export function createFieldAssembler(...inPieces: readonly string[]): FieldAssembler {
  const values = new Map<string, unknown>();
  const pieces = new Map<string, TextPieces>();

  const addPiece = (field: string, piece: string): void => {
    const known = pieces.get(field) ?? createTextPieces();
    pieces.set(field, known);
    known.add(piece);
  };
  const addField = (field: string, value: unknown): void => {
    if (value === undefined || value === null) return;
    const isPiece = inPieces.includes(field);
    if (isPiece && typeof value === "string") addPiece(field, value);
    else if ((value !== "" || isPiece) && !values.has(field)) values.set(field, value);
  };
  return {
    add(delta) {
      for (const field of Object.keys(delta)) addField(field, delta[field]);
    },
    addField,
    get: (field) => values.get(field),
    fields: () =>
      Object.fromEntries([...values, ...[...pieces].map(([field, parts]) => [field, parts.text()] as const)]),
  };
}
