import { z } from "zod";

type LeafKind = "number" | "boolean" | "list" | "text";

/** A key of the configuration that holds a value, not further keys. */
export interface ConfigLeaf {
  readonly path: readonly string[];
  readonly kind: LeafKind;
}

/** Every key of an object schema that holds a value, in the schema's order. */
export function schemaLeaves(schema: z.core.$ZodType, path: readonly string[] = []): ConfigLeaf[] {
  const core = unwrap(schema);
  if (!(core instanceof z.ZodObject)) return [{ path, kind: kindOf(core) }];
  return Object.entries<z.core.$ZodType>(core.shape).flatMap(([key, child]) => schemaLeaves(child, [...path, key]));
}

/** What a value must look like before defaults and transformations. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodPipe) return unwrap(schema.in);
  const wrapped =
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodExactOptional;
  return wrapped ? unwrap(schema.unwrap()) : schema;
}

function kindOf(schema: z.core.$ZodType): LeafKind {
  if (schema instanceof z.ZodNumber) return "number";
  if (schema instanceof z.ZodUnion)
    return schema.options.some((option) => kindOf(option) === "number") ? "number" : "text";
  if (schema instanceof z.ZodBoolean) return "boolean";
  return schema instanceof z.ZodArray ? "list" : "text";
}
