import { ROOT_SECRET_NAME } from "../sealing/root-secret.ts";
import type { StoreBackend } from "../store/store-backend.ts";
import { chainLengths } from "./audit-chains.ts";
import { sessionKeys } from "./session-keys.ts";

/**
 * Why the source must not be copied into the target, which is empty or holds a part of it; `undefined` when it may be.
 * Each gateway and each command that opens a store begins a chain in its audit log: a chain that the source does not
 * have says that the target has gone on by itself, and a copy would undo that.
 */
export async function findObstacle(from: StoreBackend, to: StoreBackend): Promise<string | undefined> {
  const [secret, held] = await Promise.all([from, to].map(({ records }) => records.read(ROOT_SECRET_NAME)));
  if (!secret) return "the source holds no root secret: no gateway has ever used it";
  if (!held) return (await isEmpty(to)) ? undefined : "the target is not empty, and holds no part of the source";
  if (!held.equals(secret)) {
    return "the target has another root secret: another gateway's, or the source's before its master keys were rotated";
  }
  const lengths = await chainLengths(from.audit);
  const ownChain = (await to.audit.chains()).find(({ chain, length }) => length > (lengths.get(chain) ?? 0));
  return ownChain && "a gateway or a command has worked on the target since, and what it wrote would be undone";
}

async function isEmpty({ sessions, records, audit }: StoreBackend): Promise<boolean> {
  const [named, chains, firstKey] = await Promise.all([
    records.list("", { limit: 1 }),
    audit.chains(),
    sessionKeys(sessions).next(),
  ]);
  return named.length === 0 && chains.length === 0 && firstKey.done === true;
}
