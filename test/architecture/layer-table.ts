export interface Place {
  /** Folders (with a final slash, not what lies deeper) and single files, below `src/`. A folder may import itself. */
  readonly mayImport: readonly string[];
  readonly because: string;
}

/** Types, and the few pure functions that belong to them. They drag no backend along. */
export const contracts: readonly string[] = [
  "audit/audit-log.ts",
  "history/embedder.ts",
  "history/history-strategy.ts",
  "history/summariser.ts",
  "limits/limiter.ts",
  "limits/limits.ts",
  "redaction/redactor.ts",
  "sealing/keyed-hash.ts",
  "sealing/sealer.ts",
  "identity/browser-logins.ts",
  "identity/principal.ts",
  "session/reconcile.ts",
  "session/session-id.ts",
  "store/audit-store.ts",
  "store/lease-store.ts",
  "store/notice-listener.ts",
  "store/notice-store.ts",
  "store/quota-store.ts",
  "store/record-store.ts",
  "store/session-store.ts",
  "store/store-backend.ts",
  "telemetry/turn-meter.ts",
  "tokens/price-list.ts",
  "tokens/token-counter.ts",
  "upstream/upstream.ts",
];

const leaves = ["kit/", "errors/", "protocol/"];
const storeAdapter: Place = {
  mayImport: [
    "kit/",
    "errors/",
    ...contracts.filter((path) => path.startsWith("store/")),
    "store/revision.ts",
    "store/store-unavailable.ts",
    "store/turn-sequence-taken.ts",
    "store/audit-place-taken.ts",
    "store/name-range.ts",
  ],
  because: "adapters know their contract and one driver; they never meet each other",
};
const http: Place = {
  mayImport: [...leaves, ...contracts, "http/", "http/middleware/", "http/routes/", "turn/", "users/"],
  because: "no store, no upstream client, no key",
};

/** Contracts may see each other and the leaves, whatever their folder may. */
export const contractPlace: Place = {
  mayImport: [...leaves, ...contracts],
  because: "a contract must not drag a backend along",
};

/** Who may import whom. A folder or a file directly below `src/` that stands nowhere here is a breach. */
export const places: Readonly<Record<string, Place>> = {
  "kit/": { mayImport: [], because: "leaves stay leaves" },
  "errors/": { mayImport: ["kit/"], because: "everyone may raise" },
  "protocol/": { mayImport: ["kit/", "errors/"], because: "wire shapes have no behaviour" },
  "config/": { mayImport: ["kit/", "errors/"], because: "knows no part; gateway.ts joins the two" },
  "session/": {
    mayImport: [...leaves, "history/history-strategy.ts", "sealing/keyed-hash.ts"],
    because: "what a session is, whoever stores it",
  },
  "identity/": {
    mayImport: [...leaves, ...contracts, "sealing/record-sealer.ts"],
    because: "who a caller is; knows records and the upstream by contract only",
  },
  "limits/": {
    mayImport: [...leaves, "identity/principal.ts", "store/quota-store.ts", "store/session-store.ts"],
    because: "counts, and knows nobody's data",
  },
  "audit/": {
    mayImport: [
      ...leaves,
      "sealing/keyed-hash.ts",
      "sealing/sealer.ts",
      "store/audit-store.ts",
      "store/record-store.ts",
    ],
    because: "what was done, without content",
  },
  "users/": {
    mayImport: [...leaves, ...contracts, "audit/", "identity/login-names.ts", "session/", "sealing/", "turn/"],
    because: "a user's rights over everything stored: export, import, erasure",
  },
  "history/": { mayImport: leaves, because: "strategies are pure" },
  "history/recall/": {
    mayImport: [...leaves, "history/history-strategy.ts", "history/content-text.ts"],
    because: "searches what it is given; pure but for loading the words of languages",
  },
  "tokens/": { mayImport: leaves, because: "counts, and knows no conversation" },
  "sealing/": { mayImport: [...leaves, "store/record-store.ts"], because: "wrapped keys lie in a key store" },
  "redaction/": {
    mayImport: [...leaves, "redaction/detectors/", "sealing/keyed-hash.ts"],
    because: "placeholders are keyed hashes",
  },
  "redaction/detectors/": { mayImport: ["kit/", "redaction/"], because: "one kind of finding per file" },
  "store/": { mayImport: ["kit/", "errors/"], because: "contracts and wrappers know no backend" },
  "store/open-store.ts": {
    mayImport: ["kit/", "errors/", "store/", "store/memory/", "store/redis/", "store/sqlite/"],
    because: "loads the one adapter that an address names",
  },
  "store/memory/": storeAdapter,
  "store/redis/": storeAdapter,
  "store/sqlite/": storeAdapter,
  "upstream/": {
    mayImport: [...leaves, "history/embedder.ts", "history/history-strategy.ts", "history/summariser.ts"],
    because: "speaks to the model, and makes the summaries and vectors that history asks for",
  },
  "telemetry/": { mayImport: [...leaves, "turn/turn-ports.ts"], because: "counts what it is told" },
  "telemetry/sdk.ts": { mayImport: ["kit/", "telemetry/"], because: "instrumenting is not exporting" },
  "turn/": {
    mayImport: [
      ...leaves,
      ...contracts,
      "history/aging.ts",
      "history/forecast-cut.ts",
      "history/placeholders.ts",
      "history/recall/",
      "history/rewind-epoch.ts",
      "history/strategy-registry.ts",
      "history/summary-reach.ts",
      "history/summary-shelf.ts",
      "history/tail-note.ts",
      "redaction/count-placeholders.ts",
      "redaction/restore-answer.ts",
      "redaction/restore-stream.ts",
      "redaction/restore-text.ts",
      "sealing/chain.ts",
      "sealing/record-sealer.ts",
      "sealing/sealed-record.ts",
      "session/active-turns.ts",
      "session/fingerprint.ts",
      "session/reconcile-conversation.ts",
      "session/session-head.ts",
      "session/slots.ts",
      "session/turn-record-codec.ts",
      "session/turn-record.ts",
      "session/withheld.ts",
      "tokens/cost.ts",
    ],
    because: "the use case runs with nothing real behind it: contracts and pure functions only",
  },
  "http/": http,
  "http/middleware/": http,
  "http/routes/": http,
  "demo/": {
    mayImport: [...leaves, "config/", "tokens/", "main.ts"],
    because: "stands outside, as a user does: it starts main.ts as a process",
  },
  "vault.ts": {
    mayImport: ["kit/", "errors/", "config/", "audit/", "sealing/", "store/", "store/open-store.ts"],
    because: "opens what rests, for the gateway and for commands beside it",
  },
  "open-identity.ts": {
    mayImport: [...leaves, ...contracts, "config/", "identity/", "vault.ts"],
    because: "composes the chosen way to know a caller; gateway.ts has room for one line of it",
  },
  "cli/": {
    mayImport: [
      ...leaves,
      ...contracts,
      "config/",
      "audit/",
      "history/extractive-digest.ts",
      "history/strategy-registry.ts",
      "identity/",
      "limits/",
      "sealing/",
      "redaction/",
      "telemetry/",
      "tokens/",
      "turn/economics.ts",
      "turn/play-conversation.ts",
      "turn/play-recall.ts",
      "turn/read-exchanges.ts",
      "upstream/summary-prompt.ts",
      "users/",
      "vault.ts",
      "gateway.ts",
    ],
    because: "commands for operators, beside the running gateway",
  },
  "gateway.ts": {
    mayImport: [
      ...leaves,
      "vault.ts",
      "open-identity.ts",
      "audit/",
      "identity/",
      "limits/",
      "users/",
      "config/",
      "session/",
      "history/",
      "tokens/",
      "sealing/",
      "redaction/",
      "store/",
      "store/open-store.ts",
      "upstream/",
      "telemetry/",
      "turn/",
      "http/",
    ],
    because: "the one file that knows concrete parts; not the process, not the SDK",
  },
  "main.ts": {
    mayImport: ["kit/", "errors/", "config/", "telemetry/", "telemetry/sdk.ts", "demo/", "cli/", "gateway.ts"],
    because: "the process: arguments, environment, signals",
  },
};

/** Packages, and built-in modules that are engines, with the places that may import them. */
export const doors: Readonly<Record<string, readonly string[]>> = {
  "@hono/node-server": ["http/", "http/middleware/", "http/routes/", "gateway.ts"],
  "@opentelemetry/api": ["telemetry/", "telemetry/sdk.ts", "gateway.ts"],
  "@opentelemetry/exporter-metrics-otlp-proto": ["telemetry/sdk.ts"],
  "@opentelemetry/exporter-prometheus": ["telemetry/sdk.ts"],
  "@opentelemetry/exporter-logs-otlp-proto": ["telemetry/"],
  "@opentelemetry/sdk-logs": ["telemetry/"],
  "@opentelemetry/resources": ["telemetry/"],
  "@opentelemetry/sdk-metrics": ["telemetry/sdk.ts"],
  "@orama/stemmers": ["history/recall/"],
  "@orama/stopwords": ["history/recall/"],
  hono: ["http/", "http/middleware/", "http/routes/", "gateway.ts"],
  ioredis: ["store/redis/"],
  "js-tiktoken": ["tokens/"],
  "libphonenumber-js": ["redaction/", "redaction/detectors/"],
  jose: ["identity/"],
  "lru-cache": ["sealing/", "turn/", "identity/", "limits/"],
  re2js: ["redaction/detectors/"],
  "node:sqlite": ["store/sqlite/"],
  openai: ["upstream/", "demo/"],
  pino: ["telemetry/"],
  undici: ["upstream/"],
  yaml: ["config/"],
  zod: ["config/", "protocol/"],
};

/** The demo hands its environment on to the gateways it starts. */
export const environmentReaders: readonly string[] = ["main.ts", "demo/"];
