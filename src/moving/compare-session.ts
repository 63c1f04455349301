import { isDeepStrictEqual } from "node:util";

import type { SessionStore, StoredSession } from "../store/session-store.ts";
import type { SessionStores } from "./copy-session.ts";
import { knownAs, sessionTurns } from "./session-turns.ts";

/** What the target has that the source has not, or the other way round; `undefined` where nothing is. */
export async function compareSession({ from, to }: SessionStores, key: string): Promise<string | undefined> {
  const source = await from.load(key);
  if (!source) return undefined;
  const difference = await findDifference({ from, to }, key, source);
  if (difference === undefined) return undefined;
  // It may have ended while it was compared.
  return (await from.load(key, knownAs(source.revision))) && difference;
}

async function findDifference(
  { from, to }: SessionStores,
  key: string,
  source: StoredSession,
): Promise<string | undefined> {
  const held = await to.load(key);
  if (!held) return "missing";
  if (held.revision !== source.revision) return "another revision";
  if (!isDeepStrictEqual(held.fields, source.fields)) return "its fields differ";
  if (!isDeepStrictEqual(held.head, source.head)) return "its head differs";
  if (!isDeepStrictEqual(held.slots, source.slots)) return "its slots differ";
  return findTurn({ from, to }, key, { source, held });
}

async function findTurn(
  { from, to }: { readonly from: SessionStore; readonly to: SessionStore },
  key: string,
  { source, held }: { readonly source: StoredSession; readonly held: StoredSession },
): Promise<string | undefined> {
  const copies = sessionTurns(to, key, held);
  for await (const turn of sessionTurns(from, key, source)) {
    const copy = await copies.next();
    if (copy.done === true || !isDeepStrictEqual(copy.value, turn)) return `turn ${turn.sequence} differs`;
  }
  return (await copies.next()).done === true ? undefined : "it has more turns";
}
