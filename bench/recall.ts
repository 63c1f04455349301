/** `npm run bench:recall -- --data FILE`: how much of what a question needs is recalled, and how fast. */
import { parseArgs } from "node:util";

import { openTermReader } from "../src/history/recall/term-reader.ts";
import { openTokenCounters } from "../src/tokens/open-token-counters.ts";
import { readConversations } from "./recall/conversations.ts";
import type { MethodParts } from "./recall/methods.ts";
import { prepare } from "./recall/prepare.ts";
import { renderReport } from "./recall/render-report.ts";
import { scoreGate } from "./recall/score-gate.ts";
import { scoreMethods } from "./recall/score-methods.ts";
import { scoreStrategies } from "./recall/score-strategies.ts";
import { timeRecall } from "./recall/time-recall.ts";
import { busyMachineWarning } from "./report/conditions.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const CACHE = "node_modules/.cache/stategate";

const USAGE = `npm run bench:recall -- --data FILE

  --data FILE   conversations with questions and their evidence, in LoCoMo's shape
`;
const { values } = parseArgs({ options: { data: { type: "string" }, help: { type: "boolean" } } });
if (values.help || values.data === undefined) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}
const busy = busyMachineWarning();
const conversations = readConversations(values.data);
const counters = openTokenCounters({ cacheDirectory: CACHE, log: silent });
await counters.ready;
const reader = await openTermReader();
const counter = counters.forModel("gpt-5");
const parts: MethodParts = { reader, countText: (text) => counter.countText(text) };

const prepareAll = (showNames: boolean) =>
  Promise.all(conversations.map((conversation) => prepare(reader, conversation, showNames)));
const [shown, hidden] = [await prepareAll(true), await prepareAll(false)];
const report = renderReport({
  conversations: shown,
  exactCounts: counters.exact,
  strategies: {
    shown: await scoreStrategies(conversations, { counter, showNames: true }),
    hidden: await scoreStrategies(conversations, { counter, showNames: false }),
  },
  scores: { shown: await scoreMethods(parts, shown), hidden: await scoreMethods(parts, hidden) },
  gate: { shown: await scoreGate(parts, shown), hidden: await scoreGate(parts, hidden) },
  times: await timeRecall(parts, shown),
  busy,
});
process.stdout.write(`${report}\n`);
process.exit(0);
