import type { LRUCache } from "lru-cache";

/** Looks at every entry, which only an erasure does. What is past its time goes as well: it would lie there until touched. */
export function dropOwned<Value extends object>(
  held: LRUCache<string, Value>,
  owner: string,
  ownerOf: (value: Value) => string,
): void {
  held.purgeStale();
  for (const [name, value] of held.entries()) if (ownerOf(value) === owner) held.delete(name);
}
