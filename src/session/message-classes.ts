import type { StoredPrint } from "./reconcile.ts";

/** Names the class of messages that a fingerprint belongs to. */
export type ClassOf = (fingerprint: string) => string;

/**
 * A message was seen under one fingerprint and stored under another; either is the same message. Fingerprints so joined
 * form classes, which makes "matches" an equality: transitive, so that sequences can be searched in linear time.
 */
export function messageClasses(messages: Iterable<StoredPrint>): ClassOf {
  const parents = new Map<string, string>();
  const classOf: ClassOf = (fingerprint) => {
    const parent = parents.get(fingerprint);
    if (parent === undefined) return fingerprint;
    const root = classOf(parent);
    parents.set(fingerprint, root);
    return root;
  };
  for (const { seen, stored } of messages) {
    if (seen === stored) continue;
    const [left, right] = [classOf(seen), classOf(stored)];
    if (left !== right) parents.set(left, right);
  }
  return classOf;
}
