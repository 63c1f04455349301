import { setTimeout as pause } from "node:timers/promises";

import { hasCode } from "../errors/gateway-error.ts";
import type { NamedRecord, RecordStore } from "../store/record-store.ts";
import { DATA_KEY_PREFIX } from "./data-keys.ts";
import type { Keyring } from "./keyring.ts";
import { ROOT_SECRET_NAME } from "./root-secret.ts";

interface RewrapOptions {
  readonly records: RecordStore;
  readonly keyring: Keyring;
  /** Called after every page that held something. */
  readonly onProgress: (soFar: RewrapReport) => void;
}

export interface RewrapReport {
  readonly rewrapped: number;
  /** Were under the primary key already, or came under it by another rotation meanwhile. */
  readonly current: number;
  /** By the id of the master key that is said to have wrapped them; "" where not even that can be read. */
  readonly unreadable: ReadonlyMap<string, number>;
}

type Outcome = "rewrapped" | "current" | "erased" | { readonly unreadableUnder: string };

/** So many are written at once, for a store that syncs them together. */
const PAGE = 100;

/** A pass that finds nothing to do proves that nobody wraps with an older key any more. */
const MAX_PASSES = 3;

/** Pass after pass, until one finds nothing to do; not settled when somebody keeps wrapping with an older key. */
export async function rewrapUntilSettled(
  options: RewrapOptions,
): Promise<RewrapReport & { readonly isSettled: boolean }> {
  let rewrapped = 0;
  for (let pass = 1; ; pass += 1) {
    const report = await rewrapKeys(options);
    rewrapped += report.rewrapped;
    const isSettled = report.rewrapped === 0;
    if (isSettled || pass === MAX_PASSES) return { ...report, rewrapped, isSettled };
  }
}

/**
 * Wraps the root secret and every data key anew under the primary master key, once each. The keys themselves stay the
 * same, so gateways that hold them go on; each row is replaced by compare-and-set, so other rotations, erasures and
 * gateways may be at work. What cannot be opened is left as it is, and counted.
 */
export async function rewrapKeys({ records, keyring, onProgress }: RewrapOptions): Promise<RewrapReport> {
  const report = { rewrapped: 0, current: 0, unreadable: new Map<string, number>() };
  const note = (outcome: Outcome): void => {
    if (outcome === "rewrapped" || outcome === "current") report[outcome] += 1;
    else if (outcome !== "erased") {
      const { unreadableUnder: id } = outcome;
      report.unreadable.set(id, (report.unreadable.get(id) ?? 0) + 1);
    }
  };
  for (const prefix of [ROOT_SECRET_NAME, DATA_KEY_PREFIX]) {
    let after: string | undefined;
    do {
      const startedAt = performance.now();
      const page = await records.list(prefix, { limit: PAGE, ...(after !== undefined && { after }) });
      const outcomes = await Promise.all(page.map((record) => rewrap({ records, keyring }, record)));
      outcomes.forEach(note);
      if (page.length > 0) onProgress(report);
      // Writers of one file take turns by luck: who never rests leaves the gateways none.
      await pause(performance.now() - startedAt);
      after = page.length < PAGE ? undefined : page.at(-1)?.name;
    } while (after !== undefined);
  }
  return report;
}

async function rewrap(
  { records, keyring }: Pick<RewrapOptions, "records" | "keyring">,
  row: NamedRecord,
): Promise<Outcome> {
  const { name } = row;
  let wrapped: Buffer | undefined = row.bytes;
  try {
    while (wrapped) {
      if (keyring.idOf(wrapped) === keyring.primaryId) return "current";
      const bytes = await keyring.wrap(name, await keyring.unwrap(name, wrapped));
      if (await records.replace(name, { expected: wrapped, bytes })) return "rewrapped";
      wrapped = await records.read(name);
    }
    return "erased";
  } catch (error) {
    if (!hasCode(error, "record_unreadable")) throw error;
    return { unreadableUnder: wrapped ? namedId(keyring, wrapped) : "" };
  }
}

function namedId(keyring: Keyring, wrapped: Buffer): string {
  try {
    return keyring.idOf(wrapped);
  } catch {
    return "";
  }
}
