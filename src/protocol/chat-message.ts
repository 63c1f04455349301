/** A chat message as it travels. Fields this gateway does not know are kept: it stores and forwards them untouched. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: string | readonly ContentPart[] | null;
  readonly name?: string;
  readonly refusal?: string | null;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
  readonly [field: string]: unknown;
}

export interface ContentPart {
  readonly type: string;
  readonly text?: string;
  readonly [field: string]: unknown;
}

export interface ToolCall {
  readonly id: string;
  readonly type: string;
  readonly function?: { readonly name: string; readonly arguments: string };
  readonly [field: string]: unknown;
}

/** Tokens of one answer as the provider billed it, normalised from `usage`. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of them, what is not reasoning: the size of the answer's text when it comes back as history. */
  readonly textTokens: number;
  /** `prompt_tokens_details.cached_tokens`; 0 when the provider says nothing. */
  readonly cachedTokens: number;
  /** `prompt_tokens_details.cache_write_tokens`, of providers that bill writes apart. */
  readonly cacheWriteTokens: number;
}
