import type { JsonObject } from "./json-object.ts";

/** Joins what comes in pieces once, at the end, so that long arguments cost no repeated copies. */
export interface FieldAssembler {
  add(delta: JsonObject): void;
  get(field: string): unknown;
  fields(): JsonObject;
}

/** The first value of each field that is not empty; the fields named in `inPieces` are appended. */
export function createFieldAssembler(...inPieces: readonly string[]): FieldAssembler {
  const values = new Map<string, unknown>();
  const pieces = new Map<string, string[]>();
  return {
    add(delta) {
      for (const [field, value] of Object.entries(delta)) {
        if (value === undefined || value === null || (value === "" && !inPieces.includes(field))) continue;
        const parts = pieces.get(field);
        if (parts !== undefined && typeof value === "string") parts.push(value);
        else if (inPieces.includes(field) && typeof value === "string") pieces.set(field, [value]);
        else if (!values.has(field)) values.set(field, value);
      }
    },
    get: (field) => values.get(field),
    fields: () =>
      Object.fromEntries([...values, ...[...pieces].map(([field, parts]) => [field, parts.join("")] as const)]),
  };
}
