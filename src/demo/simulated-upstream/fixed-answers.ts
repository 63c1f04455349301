export const modelList = {
  object: "list",
  data: ["gpt-4o", "gpt-4o-mini", "gpt-5", "text-embedding-3-small"].map((id) => ({
    id,
    object: "model",
    created: 1,
    owned_by: "simulated",
  })),
};

/** The least that a client takes for an answer. */
export const bareAnswer = {
  id: "chatcmpl-sim",
  object: "chat.completion",
  created: 1,
  model: "simulated",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "A short answer of a few plain words.", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 200, completion_tokens: 9, total_tokens: 209 },
};
