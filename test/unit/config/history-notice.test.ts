import { expect, it } from "vitest";

import { historyNotice } from "../../../src/config/history-notice.ts";
import { loadConfig } from "../../../src/config/load-config.ts";

const noticeFor = (env: Record<string, string>): string => historyNotice(loadConfig({ env, cwd: "/nowhere" }));

it.each([
  [{}, "history: hybrid, summaries by each request's own model, paid with the caller's key"],
  [
    { STATEGATE_UPSTREAM__API_KEY: "sk-test", STATEGATE_HISTORY__SUMMARY__MODEL: "gpt-5-nano" },
    "history: hybrid, summaries by gpt-5-nano, paid with the gateway's key",
  ],
  [
    { STATEGATE_HISTORY__STRATEGY: "window" },
    "history: window; where summary or hybrid is chosen, summaries by each request's own model, paid with the caller's key",
  ],
  [{ STATEGATE_HISTORY__SUMMARY__MODE: "extractive" }, "history: hybrid, summaries extracted here, no model asked"],
  [{ STATEGATE_HISTORY__SUMMARY__MODE: "off" }, "history: hybrid, no summaries"],
  [
    {
      STATEGATE_HISTORY__SUMMARY__MODE: "off",
      STATEGATE_HISTORY__RECALL__EMBEDDINGS__MODEL: "text-embedding-3-small",
    },
    "history: hybrid, no summaries; old remarks embedded by text-embedding-3-small, paid with the caller's key",
  ],
  [
    {
      STATEGATE_STORE: "postgres://h/d",
      STATEGATE_MASTER_KEYS: `k:${Buffer.alloc(32).toString("base64")}`,
      STATEGATE_HISTORY__SUMMARY__MODE: "off",
      STATEGATE_HISTORY__RECALL__VECTORS: "database",
      STATEGATE_HISTORY__RECALL__EMBEDDINGS__MODEL: "text-embedding-3-small",
      STATEGATE_HISTORY__RECALL__EMBEDDINGS__DIMENSIONS: "1536",
    },
    "history: hybrid, no summaries; old remarks embedded by text-embedding-3-small, paid with the caller's key; their vectors lie unsealed in the database",
  ],
  [
    { STATEGATE_HISTORY__MODE: "observe", STATEGATE_HISTORY__RECALL__EMBEDDINGS__MODEL: "text-embedding-3-small" },
    "history: requests go as they come; what hybrid would save is reported",
  ],
])("the start says who pays for the gateway's own calls: %j", (env, notice) => {
  expect(noticeFor(env)).toBe(notice);
});
