/** The allow-list: no attribute may be sent whose key is not here. No content, no ids, nothing without a bound. */
export const attribute = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  model: "gen_ai.request.model",
  tokenType: "gen_ai.token.type",
  status: "http.response.status_code",
  strategy: "stategate.strategy",
  mode: "stategate.history.mode",
  reason: "stategate.reason",
  purpose: "stategate.purpose",
  stage: "stategate.stage",
  entity: "stategate.entity",
  storeOperation: "stategate.store.operation",
  outcome: "stategate.outcome",
} as const;

const MAX_MODELS = 100;
const MAX_MODEL_LENGTH = 64;

/**
 * Model names come from clients: one is taken for a label once the upstream has answered under it, and after a hundred
 * different ones every new one is `other`.
 */
export function createModelLabels(): (model: string, isAnswered?: boolean) => string {
  const known = new Set<string>();
  return (model, isAnswered = true) => {
    if (known.has(model)) return model;
    if (!isAnswered || known.size >= MAX_MODELS || model.length > MAX_MODEL_LENGTH) return "other";
    known.add(model);
    return model;
  };
}
