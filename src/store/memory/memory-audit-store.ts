import { assertPlacesDiffer, auditPlaceTaken } from "../audit-place-taken.ts";
import type { AuditPage, AuditRow, AuditStore } from "../audit-store.ts";

/** @param refuseWhenClosed throws `store_unavailable` once the backend is closed */
export function createMemoryAuditStore(refuseWhenClosed: () => void): AuditStore {
  const chains = new Map<string, Map<number, AuditRow>>();
  const find = ({ chain, sequence }: AuditRow): AuditRow | undefined => chains.get(chain)?.get(sequence);

  return {
    async append(rows) {
      refuseWhenClosed();
      assertPlacesDiffer(rows);
      const taken = rows.find((row) => find(row) && !find(row)?.entry.equals(row.entry));
      if (taken) throw auditPlaceTaken(taken.sequence);
      for (const row of rows.filter((added) => !find(added))) {
        const chain = chains.get(row.chain) ?? new Map<number, AuditRow>();
        chains.set(row.chain, chain.set(row.sequence, copyOf(row)));
      }
    },
    async chains() {
      refuseWhenClosed();
      const ends = [...chains.values()].flatMap((rows) => {
        const [first, ...others] = [...rows.values()].sort((left, right) => left.sequence - right.sequence);
        return first ? [{ first, length: (others.at(-1) ?? first).sequence + 1 }] : [];
      });
      return ends
        .sort((left, right) => comparePlaces(left.first, right.first))
        .map(({ first: { chain }, length }) => ({ chain, length }));
    },
    async read(chain, { from, limit }) {
      refuseWhenClosed();
      const rows = [...(chains.get(chain)?.values() ?? [])].filter(({ sequence }) => sequence >= from);
      return rows
        .sort((left, right) => left.sequence - right.sequence)
        .slice(0, limit)
        .map(copyOf);
    },
    async latest({ limit, before }) {
      refuseWhenClosed();
      const rows = [...chains.values()].flatMap((chain) => [...chain.values()]);
      return rows
        .filter((row) => !before || comparePlaces(row, before) < 0)
        .sort((left, right) => comparePlaces(right, left))
        .slice(0, limit)
        .map(copyOf);
    },
  };
}

type Place = NonNullable<AuditPage["before"]>;

function comparePlaces(left: Place, right: Place): number {
  if (left.at !== right.at) return left.at - right.at;
  if (left.chain !== right.chain) return left.chain < right.chain ? -1 : 1;
  return left.sequence - right.sequence;
}

const copyOf = (row: AuditRow): AuditRow => ({
  ...row,
  entry: Buffer.from(row.entry),
  details: row.details && Buffer.from(row.details),
});
