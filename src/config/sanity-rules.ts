import { resolve } from "node:path";

import type { ConfigMistake } from "./config-error.ts";
import type { GatewayConfig } from "./gateway-config.ts";
import { checkIdentity } from "./identity-rules.ts";
import { upstreamProfile } from "./upstream-profile.ts";
import { SHARED_STORE_SHAPE } from "./value-shapes.ts";

/** Keys that are right each, and wrong together. */
export function findContradictions(config: GatewayConfig): ConfigMistake[] {
  const { production, workers, http, upstream, keys, store, sessions, history, redaction } = config;
  const mistakes: ConfigMistake[] = [];
  const refuse = (path: string, message: string): void => void mistakes.push({ path, message });
  if (workers !== 1 && store.address.expose() === "memory:") {
    refuse("workers", "processes cannot share memory: choose another store, or one worker");
  }
  const shared = SHARED_STORE_SHAPE.test(store.address.expose());
  const hasMasterKeys = keys.masterKeys !== undefined || keys.masterKeyFile !== undefined;
  if (keys.masterKeys && keys.masterKeyFile !== undefined) {
    refuse("keys.masterKeyFile", "give either keys.masterKeys (STATEGATE_MASTER_KEYS) or keys.masterKeyFile, not both");
  }
  if (!hasMasterKeys && production) refuse("keys.masterKeys", `production needs master keys: ${WHERE_TO_SET_KEYS}`);
  // Each replica would make a development key of its own, and none could open what another wrote.
  else if (!hasMasterKeys && shared) {
    refuse("keys.masterKeys", `a store that replicas share needs master keys: ${WHERE_TO_SET_KEYS}`);
  }
  if (store.outbox !== undefined && workers !== 1) {
    refuse("store.outbox", "is for one process: each of several workers would deliver what another holds");
  }
  if (store.outbox !== undefined && resolve(store.outbox) === sqliteFile(store.address.expose())) {
    refuse("store.outbox", "is the store's own file, which fails when the store does");
  }
  if (http.requestTimeoutMs < http.headersTimeoutMs) {
    refuse("http.requestTimeoutMs", "is shorter than http.headersTimeoutMs, which is a part of it");
  }
  if (sessions.absoluteSeconds < sessions.ttl.seconds) {
    refuse("sessions.absoluteSeconds", "is shorter than sessions.ttl.seconds");
  }
  if (history.maxTokens !== undefined && history.maxTokens <= history.floorTokens) {
    refuse("history.maxTokens", "must be more than history.floorTokens");
  }
  if (upstream.promptCache.retention !== undefined && upstreamProfile(upstream) !== "openai") {
    refuse("upstream.promptCache.retention", "is for upstream.profile: openai only");
  }
  if (history.mode === "observe" && redaction.mode === "upstream") {
    refuse("history.mode", "observe sends requests as they came, and redaction.mode upstream changes them");
  }
  checkVectors(config, refuse);
  checkIdentity(config, refuse);
  return mistakes;
}

function checkVectors({ history, store }: GatewayConfig, refuse: (path: string, message: string) => void): void {
  const { vectors, embeddings } = history.recall;
  if (vectors === "memory") return;
  if (!/^postgres(?:ql)?:/.test(store.address.expose())) {
    refuse("history.recall.vectors", "only a postgres:// store can hold vectors");
  }
  if (embeddings.model === undefined) refuse("history.recall.embeddings.model", "is missing: nothing makes vectors");
  if (embeddings.dimensions === undefined) {
    refuse("history.recall.embeddings.dimensions", "is missing: a database needs to know how long vectors are");
  }
}

const sqliteFile = (address: string): string | undefined =>
  address.startsWith("sqlite:") ? resolve(address.slice("sqlite:".length)) : undefined;

const WHERE_TO_SET_KEYS = "set STATEGATE_MASTER_KEYS, or keys.masterKeyFile";
