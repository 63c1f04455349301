import { createHmac, randomBytes } from "node:crypto";

import { GatewayError, hasCode } from "../errors/gateway-error.ts";
import type { AuditSealer, Sealer } from "../sealing/sealer.ts";
import type { AddressDetail } from "./kept-address.ts";
import { keptAddress } from "./kept-address.ts";

/** What only the key of one user can tell, and what stands in an entry for it. */
export interface Particulars {
  readonly subject: string;
  /** Sealed for the entry's place; `undefined` when there is nothing to keep, or no key under which it could be erased. */
  seal(place: string): Buffer | undefined;
}

interface Details {
  readonly address?: string | undefined;
}

export type ReadParticulars = (owner: string, address: string | undefined) => Promise<Particulars>;

const PROCESS_KEY_BYTES = 32;

/** Who has no data key gets none made for being noted: a random key of this process stands in, and nothing is kept. */
export function createParticulars(sealer: Pick<Sealer, "forAudit">, detail: AddressDetail): ReadParticulars {
  const processKey = randomBytes(PROCESS_KEY_BYTES);
  return async (owner, address) => {
    const own = await auditSealerOf(sealer, owner);
    if (!own) {
      const subject = createHmac("sha256", processKey).update(owner).digest("base64url");
      return { subject: `process.${subject}`, seal: () => undefined };
    }
    const details: Details = { address: keptAddress(address, detail) };
    const plaintext = Buffer.from(JSON.stringify(details));
    return {
      subject: subjectOf(own),
      seal: (place) => (details.address === undefined ? undefined : own.seal(place, plaintext)),
    };
  };
}

export const subjectOf = ({ subject }: AuditSealer): string => `user.${subject}`;

/** `undefined` for what was not sealed for this place and user. */
export function openDetails(sealer: AuditSealer, place: string, sealed: Buffer | undefined): Details | undefined {
  try {
    return sealed && (JSON.parse(sealer.open(place, sealed).toString("utf8")) as Details);
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/** A key that cannot be opened must not keep an entry from being written. */
async function auditSealerOf(sealer: Pick<Sealer, "forAudit">, owner: string): Promise<AuditSealer | undefined> {
  try {
    return await sealer.forAudit(owner);
  } catch (error) {
    if (hasCode(error, "record_unreadable")) return undefined;
    throw error;
  }
}
