import type { ListPage } from "../session-store.ts";
import type { RedisClient } from "./redis-connection.ts";

export interface IndexEntry {
  readonly key: string;
  readonly createdAt: number;
}

type IndexPage = Pick<ListPage, "order" | "after">;

/** Entries by time of creation, from the cursor's millisecond on. */
export async function readIndexPage(
  client: RedisClient,
  index: string,
  { page, offset, chunk }: { page: IndexPage; offset: number; chunk: number },
): Promise<IndexEntry[]> {
  const from = page.after?.createdAt;
  const flat =
    page.order === "asc"
      ? await client.zrange(index, from ?? "-inf", "+inf", "BYSCORE", "LIMIT", offset, chunk, "WITHSCORES")
      : await client.zrange(index, from ?? "+inf", "-inf", "BYSCORE", "REV", "LIMIT", offset, chunk, "WITHSCORES");
  const entries: IndexEntry[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    entries.push({ key: flat[at] ?? "", createdAt: Number(flat[at + 1]) });
  }
  return entries;
}

/** The range starts with every entry of the cursor's millisecond; Redis orders those by the bytes of the key. */
export function isAfter({ after, order }: IndexPage): (entry: IndexEntry) => boolean {
  if (!after) return () => true;
  const direction = order === "asc" ? 1 : -1;
  const key = Buffer.from(after.key);
  return (entry) => entry.createdAt !== after.createdAt || direction * Buffer.compare(Buffer.from(entry.key), key) > 0;
}
