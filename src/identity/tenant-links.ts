import type { RecordSealer } from "../sealing/record-sealer.ts";
import type { NoticeListener } from "../store/notice-listener.ts";
import type { NoticeStore } from "../store/notice-store.ts";
import type { RecordStore } from "../store/record-store.ts";

/** Tenants that were moved from one upstream key to another (`stategate tenants relink`). */
export interface TenantLinks {
  /** Where the key's sessions are, by the hash of the key's own tenant; `undefined` for a key that nothing was moved to. */
  find(tenant: string): string | undefined;
}

interface LinkParts {
  readonly records: RecordStore;
  readonly recordSealer: RecordSealer;
}

const LINKS = "tenant-link:";
const PAGE = 500;

/**
 * Held whole, because a request must not wait for it, and read anew when a replica hears of a change.
 * Rejects when the store cannot be read: without its links a key would silently begin an empty tenant.
 */
export async function openTenantLinks(
  parts: LinkParts & { readonly notices: NoticeListener; readonly onFailure: (error: unknown) => void },
): Promise<TenantLinks> {
  let links = await readLinks(parts);
  const reload = (): void => {
    readLinks(parts).then((read) => (links = read), parts.onFailure);
  };
  parts.notices.on("relinked", reload);
  parts.notices.onMissed(reload);
  return { find: (tenant) => links.get(tenant) };
}

/** From now on the key of tenant `to` finds what the key of tenant `from` finds. What `to` had before stays behind. */
export async function linkTenant(
  { records, recordSealer, notices }: LinkParts & { readonly notices: NoticeStore },
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  const links = await readLinks({ records, recordSealer });
  // Links never lead to links: a key that was moved twice is found in one step.
  const target = Buffer.from(links.get(from) ?? from);
  const name = LINKS + to;
  const held = await records.read(name);
  if (held) await records.replace(name, { expected: held, bytes: recordSealer.seal(name, target) });
  else await records.putIfAbsent(name, recordSealer.seal(name, target));
  await notices.post("relinked");
}

async function readLinks({ records, recordSealer }: LinkParts): Promise<ReadonlyMap<string, string>> {
  const links = new Map<string, string>();
  let after = "";
  for (;;) {
    const page = await records.list(LINKS, { limit: PAGE, after });
    for (const { name, bytes } of page) {
      links.set(name.slice(LINKS.length), recordSealer.open(name, bytes).toString("utf8"));
    }
    if (page.length < PAGE) return links;
    after = page.at(-1)?.name ?? after;
  }
}
