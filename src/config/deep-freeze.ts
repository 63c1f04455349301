import type { Secret } from "../kit/secret.ts";

export type DeepReadonly<T> = T extends Secret | string | number | boolean | undefined
  ? T
  : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };

/** Freezes plain objects and arrays all the way down, in place. */
export function deepFreeze<T extends object>(value: T): DeepReadonly<T>;
export function deepFreeze(value: object): object {
  for (const child of Object.values(value)) {
    if (typeof child === "object" && child !== null) deepFreeze(child);
  }
  return Object.freeze(value);
}
