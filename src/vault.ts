import type { AuditLog } from "./audit/audit-log.ts";
import { type AuditSigner, createAuditSigner } from "./audit/audit-signer.ts";
import { createAuditLog } from "./audit/create-audit-log.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { Clock } from "./kit/clock.ts";
import type { Log } from "./kit/log.ts";
import { createKeyedHash } from "./sealing/create-keyed-hash.ts";
import { createSealer } from "./sealing/create-sealer.ts";
import { openDevelopmentKeyFile } from "./sealing/development-key-file.ts";
import type { KeyedHash } from "./sealing/keyed-hash.ts";
import type { Keyring } from "./sealing/keyring.ts";
import { createLocalKeyring } from "./sealing/local-keyring.ts";
import { readConfiguredKeyFile } from "./sealing/master-key-file.ts";
import { parseMasterKeys } from "./sealing/master-keys.ts";
import { createRecordSealer, type RecordSealer } from "./sealing/record-sealer.ts";
import { openRootSecret, type RootSecret } from "./sealing/root-secret.ts";
import type { Sealer } from "./sealing/sealer.ts";
import { openStore } from "./store/open-store.ts";
import type { Delivery } from "./store/outbox/deliver-turn.ts";
import { type Outbox, withOutbox } from "./store/outbox/with-outbox.ts";
import type { StoreBackend } from "./store/store-backend.ts";
import type { VectorSpace } from "./store/vector-store.ts";
import { type BreakerOptions, withBreaker } from "./store/with-breaker.ts";

export interface VaultParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly onStoreCall?: BreakerOptions["onCall"];
  /** Given, the configured outbox is opened, and what waits in it is this process's to deliver. */
  readonly onDelivered?: (delivery: Delivery) => void;
  /** Told of each audit record that was lost, and of each try to store that failed. */
  readonly onAuditFailure?: () => void;
  /** Told of each entry of the audit log once it is stored. */
  readonly onAuditEntry?: (entry: Buffer) => void;
}

/** Everything that rests, opened: the store, the keys to it, and the log of who touched what. */
export interface Vault {
  readonly store: StoreBackend;
  /** Where one is configured and opened. */
  readonly outbox: Outbox | undefined;
  readonly keyring: Keyring;
  readonly rootSecret: RootSecret;
  readonly keyedHash: KeyedHash;
  readonly sealer: Sealer;
  readonly recordSealer: RecordSealer;
  readonly audit: AuditLog;
  /** Signs the heads of the audit log, and receipts. */
  readonly auditSigner: AuditSigner;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * For the gateway and for commands that work beside it. Rejects with `record_unreadable` when the configured master
 * keys do not open this store, and with `store_unavailable` when it cannot be reached.
 */
export async function openVault(config: GatewayConfig, parts: VaultParts): Promise<Vault> {
  const { log, clock, onStoreCall } = parts;
  const keyring = await openKeyring(config, log);
  const address = config.store.address.expose();
  const timeoutMs = config.store.timeoutMs ?? storeTimeoutMs(address);
  const opened = await openStore(address, { clock, log, commandTimeoutMs: timeoutMs, vectors: vectorSpace(config) });
  const guarded = withBreaker(opened, {
    timeoutMs,
    clock,
    log,
    ...(onStoreCall && { onCall: onStoreCall }),
  });
  const { store, outbox } = await openOutbox(guarded, config, parts);
  const opening = openRootSecret({ records: opened.records, keyring, mayCreate: true });
  const rootSecret = await opening.catch(async (error: unknown) => {
    // Its timers would keep a process alive that has nothing else to do.
    await store.close();
    throw error;
  });
  const keyedHash = createKeyedHash(rootSecret.key);
  const sealer = createSealer({ records: store.records, keyring, clock });
  const auditSigner = createAuditSigner(rootSecret.key);
  const audit = createAuditLog({
    store: store.audit,
    sealer,
    signer: auditSigner,
    addresses: config.audit.ip,
    clock,
    log,
    onFailure: parts.onAuditFailure ?? nothing,
    onEntry: parts.onAuditEntry ?? nothing,
  });
  return {
    store,
    outbox,
    keyring,
    rootSecret,
    keyedHash,
    sealer,
    recordSealer: createRecordSealer(rootSecret.key),
    audit,
    auditSigner,
    async close() {
      await audit.close();
      await store.close();
    },
  };
}

const nothing = (): void => undefined;

/** `undefined` where vectors stay in memory. */
function vectorSpace({ history: { recall } }: GatewayConfig): VectorSpace | undefined {
  const { model, dimensions } = recall.embeddings;
  if (recall.vectors === "memory" || model === undefined || dimensions === undefined) return undefined;
  return { model, dimensions };
}

/** A command beside the gateway must not deliver what the gateway is about to. */
async function openOutbox(
  guarded: StoreBackend,
  { store: { outbox: path } }: GatewayConfig,
  { clock, log, onDelivered }: VaultParts,
): Promise<{ store: StoreBackend; outbox: Outbox | undefined }> {
  if (path === undefined || !onDelivered) return { store: guarded, outbox: undefined };
  const opening = openStore(`sqlite:${path}`, { clock, log });
  const store = await opening
    .then((place) => withOutbox(guarded, { place, clock, log, onDelivered }))
    .catch(async (error: unknown) => {
      await guarded.close();
      throw error;
    });
  return { store, outbox: store.outbox };
}

/**
 * A store on the network may be gone; a local one is at most slow, and giving up on it only loses the turn. PostgreSQL
 * syncs every commit, and a checkpoint may hold one up; a call of DynamoDB is one to three requests over TLS.
 */
function storeTimeoutMs(address: string): number {
  if (/^rediss?(?:\+cluster)?:/.test(address)) return 250;
  return /^(?:postgres(?:ql)?|dynamodb):/.test(address) ? 1_000 : 2_000;
}

async function openKeyring({ keys }: GatewayConfig, log: Log): Promise<Keyring> {
  if (keys.masterKeys) return createLocalKeyring(parseMasterKeys(keys.masterKeys.expose()));
  if (keys.masterKeyFile !== undefined) return createLocalKeyring(await readConfiguredKeyFile(keys.masterKeyFile));
  const { masterKeys, created } = await openDevelopmentKeyFile(keys.developmentKeyFile);
  if (created)
    log.warn({ file: keys.developmentKeyFile }, "made a development key; without this file the data is lost");
  return createLocalKeyring(masterKeys);
}
