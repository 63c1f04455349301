import { GatewayError } from "../errors/gateway-error.ts";
import type { AuditRow, AuditStore } from "../store/audit-store.ts";
import type { BufferedRecord } from "./audit-buffer.ts";
import { type AuditChain, createAuditChain } from "./audit-chain.ts";
import { type AuditAnchor, anchorOf } from "./audit-entry.ts";
import type { AuditPlace } from "./audit-log.ts";
import type { Particulars, ReadParticulars } from "./audit-particulars.ts";
import type { AuditSigner } from "./audit-signer.ts";

interface AuditWriterOptions {
  readonly store: AuditStore;
  readonly signer: AuditSigner;
  readonly readParticulars: ReadParticulars;
  /** Told of each entry once it is stored. */
  readonly onEntry: (entry: Buffer) => void;
}

/** Links records to the chain of this process and stores them, one batch at a time. */
export interface AuditWriter {
  /** Entries after the last signed head. */
  readonly unsigned: number;
  /** The newest entry that is stored. */
  readonly end: AuditPlace | undefined;
  /**
   * A batch that rejects is kept, and is to be finished before the next one.
   * @throws GatewayError `store_unavailable`
   */
  write(records: readonly BufferedRecord[]): Promise<void>;
  /** Adds a signed head; `missing` records before it were lost. @throws as `write` */
  sign(at: number, missing: number): Promise<void>;
  /** Stores what a failure left, as it was: the store may have taken it. @throws as `write` */
  finish(): Promise<void>;
}

interface Batch {
  readonly records: readonly BufferedRecord[];
  readonly head: { readonly at: number; readonly missing: number } | undefined;
  /** Once linked they are sent unchanged, however often. */
  rows?: readonly AuditRow[];
}

export const ENTRIES_PER_HEAD = 64;
export const MAX_ANCHORS = 16;

export function createAuditWriter({ store, signer, readParticulars, onEntry }: AuditWriterOptions): AuditWriter {
  let chain: AuditChain | undefined;
  let beginning: BufferedRecord["record"] = { event: "sys_startup" };
  let batch: Batch | undefined;
  let end: AuditPlace | undefined;

  const link = async ({ records, head }: Batch): Promise<readonly AuditRow[]> => {
    const anchors = chain ? undefined : await readAnchors(store);
    const particulars = await readEach(records, readParticulars);
    const current = (chain ??= createAuditChain(signer));
    return linkBatch(current, {
      records: anchors ? begunWith(beginning, records, head?.at) : records,
      head,
      anchors,
      particulars,
    });
  };
  const finish = async (): Promise<void> => {
    if (!batch) return;
    batch.rows ??= await link(batch);
    try {
      await store.append(batch.rows);
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      // Somebody wrote into this chain: a copy of this process that was restored from a snapshot, or a forger.
      chain = undefined;
      beginning = { event: "sys_startup", reason: "chain_replaced" };
      delete batch.rows;
      throw new GatewayError("store_unavailable", "another row has the place of an audit entry", { cause });
    }
    const { rows } = batch;
    batch = undefined;
    end = rows.at(-1) ?? end;
    for (const { entry } of rows) onEntry(entry);
  };
  return {
    get unsigned() {
      return chain?.unsigned ?? 0;
    },
    get end() {
      return end && { chain: end.chain, sequence: end.sequence };
    },
    finish,
    write(records) {
      batch = { records, head: undefined };
      return finish();
    },
    sign(at, missing) {
      batch = { records: [], head: { at, missing } };
      return finish();
    },
  };
}

/** A chain begins with the start of its process, whatever the first thing was that happened in it. */
function begunWith(
  beginning: BufferedRecord["record"],
  records: readonly BufferedRecord[],
  headAt = 0,
): readonly BufferedRecord[] {
  const [first] = records;
  if (first?.record.event === "sys_startup" && beginning.reason === undefined) return records;
  return [{ record: beginning, at: first?.at ?? headAt, missing: 0, times: 1 }, ...records];
}

interface LinkedBatch extends Omit<Batch, "rows"> {
  /** Given for the first batch of a chain. */
  readonly anchors: readonly AuditAnchor[] | undefined;
  readonly particulars: ReadonlyMap<BufferedRecord, Particulars>;
}

/** Nothing in here waits or fails: what is linked is sent. */
function linkBatch(chain: AuditChain, { records, head, anchors, particulars }: LinkedBatch): AuditRow[] {
  const rows: AuditRow[] = [];
  records.forEach((item, index) => {
    const { record, at, missing } = item;
    const own = particulars.get(item);
    rows.push(
      chain.link(
        {
          at,
          event: record.event,
          subject: own?.subject,
          reason: record.reason && inWords(record.reason),
          counts: countsOf(item),
          missing: missing || undefined,
          anchors: index === 0 ? anchors : undefined,
        },
        own?.seal,
      ),
    );
    if (chain.unsigned >= ENTRIES_PER_HEAD) rows.push(chain.sign(at, 0));
  });
  if (head) rows.push(chain.sign(head.at, head.missing));
  // A chain without a head would be nobody's: anyone could have made it up.
  else if (anchors && chain.unsigned > 0) rows.push(chain.sign(records.at(-1)?.at ?? 0, 0));
  return rows;
}

const WORD = /^[A-Za-z0-9_.-]{1,64}$/;

/** Reasons come from fixed lists in the code; what does not look like one is not let into the log. */
const inWords = (reason: string): string => (WORD.test(reason) ? reason : "not_a_word");

function countsOf({ record: { counts }, times }: BufferedRecord): Record<string, number> | undefined {
  if (times > 1) return { times };
  return counts && Object.fromEntries(Object.entries(counts).map(([name, count]) => [inWords(name), count]));
}

async function readEach(
  records: readonly BufferedRecord[],
  readParticulars: ReadParticulars,
): Promise<ReadonlyMap<BufferedRecord, Particulars>> {
  const found = new Map<BufferedRecord, Particulars>();
  const known = new Map<string, Particulars>();
  for (const item of records) {
    const { owner, address } = item.record;
    if (owner === undefined) continue;
    const name = JSON.stringify([owner, address]);
    const own = known.get(name) ?? (await readParticulars(owner, address));
    known.set(name, own);
    found.set(item, own);
  }
  return found;
}

/** Where the chains that began last stand now; the older ones are anchored by these. */
async function readAnchors(store: AuditStore): Promise<AuditAnchor[]> {
  const chains = (await store.chains()).slice(-MAX_ANCHORS);
  const ends = await Promise.all(chains.map(({ chain, length }) => store.read(chain, { from: length - 1, limit: 1 })));
  return ends.flatMap((rows) => rows.map(anchorOf));
}
