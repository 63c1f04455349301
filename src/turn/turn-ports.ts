import type { AuditLog } from "../audit/audit-log.ts";
import type { Embedder } from "../history/embedder.ts";
import type { HistoryKnobs, StrategyName } from "../history/history-strategy.ts";
import type { Summariser } from "../history/summariser.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { Limiter } from "../limits/limiter.ts";
import type { BodyLimits } from "../protocol/scan-body.ts";
import type { PlaceholderNamer, Redactor } from "../redaction/redactor.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import type { RecordSealer } from "../sealing/record-sealer.ts";
import type { Sealer } from "../sealing/sealer.ts";
import type { LeaseStore } from "../store/lease-store.ts";
import type { RecordStore } from "../store/record-store.ts";
import type { SessionStore } from "../store/session-store.ts";
import type { VectorStore } from "../store/vector-store.ts";
import type { TurnMeter, TurnReport } from "../telemetry/turn-meter.ts";
import type { PriceList, PromptCache } from "../tokens/price-list.ts";
import type { TokenCounters } from "../tokens/token-counter.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { CacheHints } from "./cache-hints.ts";

/** Everything a turn touches, as contracts: the use case runs with nothing real behind it. */
export interface TurnPorts {
  readonly sessions: SessionStore;
  readonly records: RecordStore;
  readonly leases: LeaseStore;
  /** `undefined` where vectors stay in memory. */
  readonly vectors?: VectorStore | undefined;
  readonly sealer: Sealer;
  readonly recordSealer: RecordSealer;
  readonly audit: AuditLog;
  readonly keyedHash: KeyedHash;
  /** `undefined` when redaction is switched off. */
  readonly redactor: Redactor | undefined;
  readonly placeholders: (sessionScope: string) => PlaceholderNamer;
  readonly limiter: Limiter;
  readonly counters: TokenCounters;
  readonly prices: PriceList;
  readonly upstream: Upstream;
  readonly summariser: Summariser;
  readonly embedder: Embedder;
  readonly meter: TurnMeter;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each finished turn, for the live line on a terminal. */
  readonly onTurn: (report: TurnReport) => void;
  readonly settings: TurnSettings;
}

export interface TurnSettings {
  readonly limits: BodyLimits;
  readonly strategy: StrategyName;
  /** Requests go as they came; what would have been sent is worked out, stored and reported all the same. */
  readonly observes: boolean;
  /** `maxTokens` is 0 where the model's own window is the cap. */
  readonly knobs: HistoryKnobs;
  readonly recall: RecallRules;
  readonly summaryModel: string | undefined;
  readonly summaryTimeoutMs: number;
  readonly promptCache: PromptCache;
  readonly cacheHints: CacheHints;
  readonly keepReasoning: boolean;
  readonly withholding: Withholding;
  readonly onDisconnect: "cancel" | "finish";
  readonly ttl: SessionTtl;
  readonly idFormat: "token" | "uuid4";
  readonly rotationGraceMs: number;
  readonly binding: BindingRules;
  readonly concurrency: "parallel" | "serialize" | "reject";
}

export interface RecallRules {
  /** Tokens of old remarks behind the newest message at most; 0: none. */
  readonly maxTokens: number;
  /** Whose remarks: this session's, or those of all the user's sessions. */
  readonly scope: "session" | "user";
  readonly embeddings: EmbeddingRules;
}

export interface EmbeddingRules {
  /** Absent: nothing is embedded. */
  readonly model?: string;
  /** How long a question's own vector is waited for. */
  readonly timeoutMs: number;
  /** The cosine from which on a remark is near. */
  readonly minSimilarity: number;
}

export type BindingRule = "off" | "observe" | "enforce";

export interface BindingRules {
  readonly ip: BindingRule;
  readonly userAgent: BindingRule;
}

/** Where personal data is kept from, besides the store. */
export interface Withholding {
  /** The upstream is sent placeholders only. */
  readonly fromUpstream: boolean;
  /** What was replaced is kept, sealed, and put back into answers. */
  readonly restores: boolean;
}

export interface SessionTtl {
  readonly mode: "sliding" | "fixed";
  readonly idleMs: number;
  readonly absoluteMs: number;
}
