import type { GatewayConfig } from "./gateway-config.ts";

/**
 * What the start says of history. Who pays for the gateway's own model calls is said before the first one is made, also
 * where only a request's header or a session of its own can bring one about.
 */
export function historyNotice(config: GatewayConfig): string {
  const { mode, strategy, recall } = config.history;
  if (mode === "observe") return `history: requests go as they come; what ${strategy} would save is reported`;
  const { model } = recall.embeddings;
  const embeds = model !== undefined && recall.maxTokens > 0;
  const notice = summaryNotice(config);
  if (!embeds) return notice;
  const where = recall.vectors === "database" ? "; their vectors lie unsealed in the database" : "";
  return `${notice}; old remarks embedded by ${model}, paid with ${payerOf(config)}${where}`;
}

function summaryNotice(config: GatewayConfig): string {
  const { strategy, summary } = config.history;
  if (summary.mode === "off") return `history: ${strategy}, no summaries`;
  if (summary.mode === "extractive") return `history: ${strategy}, summaries extracted here, no model asked`;
  const summarises = strategy === "summary" || strategy === "hybrid";
  const where = summarises ? strategy : `${strategy}; where summary or hybrid is chosen`;
  return `history: ${where}, summaries by ${summary.model ?? "each request's own model"}, paid with ${payerOf(config)}`;
}

const payerOf = ({ upstream }: GatewayConfig): string => (upstream.apiKey ? "the gateway's key" : "the caller's key");
