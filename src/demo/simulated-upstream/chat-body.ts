export interface SimulatedMessage {
  readonly role: string;
  readonly content?: string | null | readonly { readonly type: string; readonly text?: string }[];
  readonly tool_calls?: readonly { readonly id: string }[];
  readonly tool_call_id?: string;
  readonly [field: string]: unknown;
}

export interface ChatBody {
  readonly model: string;
  readonly messages: readonly SimulatedMessage[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean } | null;
  readonly n?: number | null;
  readonly tools?: unknown;
}

export function textOf(message: SimulatedMessage | undefined): string {
  const content = message?.content;
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.text ?? "").join("");
}

/** The first message alone tells, as for a model. */
export const wantsSummary = ({ messages }: ChatBody): boolean =>
  messages[0]?.role === "system" && /summar/i.test(textOf(messages[0]));

export const lastUserText = ({ messages }: ChatBody): string =>
  textOf(messages.findLast((message) => message.role === "user"));
