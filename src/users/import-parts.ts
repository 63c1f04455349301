import type { Clock } from "../kit/clock.ts";
import type { PlaceholderNamer, Redactor } from "../redaction/redactor.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import type { RecordSealer } from "../sealing/record-sealer.ts";
import type { Sealer } from "../sealing/sealer.ts";
import { createFingerprinter } from "../session/fingerprint.ts";
import type { RecordStore } from "../store/record-store.ts";
import type { SessionStore } from "../store/session-store.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { createSessionLinks } from "../turn/session-links.ts";
import type { ImportParts } from "./import-session.ts";

interface ImportPartsOptions {
  readonly sessions: SessionStore;
  readonly records: RecordStore;
  readonly sealer: Sealer;
  readonly recordSealer: RecordSealer;
  readonly keyedHash: KeyedHash;
  readonly clock: Clock;
  readonly redactor: Redactor | undefined;
  readonly placeholders: (sessionKey: string) => PlaceholderNamer;
  /** Counts what redaction changed; every other count is taken over. */
  readonly counter: TokenCounter;
  readonly keepsWithheld: boolean;
  readonly maxLifeMs: number;
}

export function createImportParts(options: ImportPartsOptions): ImportParts {
  const { sessions, sealer, clock, keyedHash, redactor, placeholders, counter, keepsWithheld, maxLifeMs } = options;
  const fingerprint = createFingerprinter(keyedHash);
  return {
    sessions,
    sealer,
    clock,
    keepsWithheld,
    maxLifeMs,
    links: createSessionLinks(options),
    redaction: (sessionKey) => ({ redactor, name: placeholders(sessionKey), counter, fingerprint }),
  };
}
