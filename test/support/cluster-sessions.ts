import type { SessionCommit, SessionStore } from "../../src/store/session-store.ts";
import type { ClusterNode, RedisCluster } from "./redis-cluster.ts";
import { HOUR_MS, mustCommit, openingOf, uniqueName } from "./store-commits.ts";

const SESSIONS = 12;

/** Session and index have one slot, because the owner is called like the session. */
export function openingInOneSlot(): SessionCommit {
  const name = uniqueName("name");
  return openingOf(name, { owner: name, createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, loadFrom: 0 });
}

/** In a store whose keys begin with `t:`. */
export const nodeOfSession = async (cluster: RedisCluster, { key }: SessionCommit): Promise<ClusterNode> =>
  cluster.ownerOf(await cluster.slotOf(`t:session:{${key}}`));

/** Some sessions, those of the first one's node apart from the others. */
export async function writeSpreadSessions(
  cluster: RedisCluster,
  sessions: SessionStore,
): Promise<{ node: ClusterNode; there: SessionCommit[]; elsewhere: SessionCommit[] }> {
  const commits = Array.from({ length: SESSIONS }, openingInOneSlot);
  for (const commit of commits) await mustCommit(sessions, commit);
  const nodes = await Promise.all(commits.map((commit) => nodeOfSession(cluster, commit)));
  const [node] = nodes;
  if (!node) throw new Error("no session was written");
  return {
    node,
    there: commits.filter((_, index) => nodes[index] === node),
    elsewhere: commits.filter((_, index) => nodes[index] !== node),
  };
}
