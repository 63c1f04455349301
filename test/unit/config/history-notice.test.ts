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
])("the start says who pays for summaries: %j", (env, notice) => {
  expect(noticeFor(env)).toBe(notice);
});
