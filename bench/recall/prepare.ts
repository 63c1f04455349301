import type { HistoryMessage } from "../../src/history/history-strategy.ts";
import { createRecallIndex, type RecallIndex } from "../../src/history/recall/recall-index.ts";
import type { TermReader } from "../../src/history/recall/term-reader.ts";
import { type Conversation, sittingStart } from "./conversations.ts";

/** One remark as a message of its own, as the engine sees it. */
export interface PreparedRemark {
  readonly id: string;
  readonly text: string;
  readonly by: number;
  readonly message: HistoryMessage;
}

export interface Prepared {
  readonly conversation: Conversation;
  readonly remarks: readonly PreparedRemark[];
  /** Every remark a turn. */
  readonly index: RecallIndex;
}

const MINUTE_MS = 60_000;
const EPISODE_GAP_MS = 30 * MINUTE_MS;

/** Remarks of a sitting are a minute apart. */
export async function prepare(reader: TermReader, conversation: Conversation, showNames: boolean): Promise<Prepared> {
  const index = createRecallIndex(reader, { episodeGapMs: EPISODE_GAP_MS });
  const remarks: PreparedRemark[] = [];
  for (const [sitting, { turns }] of conversation.sessions.entries()) {
    const startedAt = sittingStart(conversation, sitting);
    for (const [minute, { id, by, text }] of turns.entries()) {
      const message = messageOf(by, showNames ? `${conversation.speakers[by]}: ${text}` : text);
      remarks.push({ id, text, by, message });
      await index.add({ key: id, at: startedAt + minute * MINUTE_MS, messages: [message] });
    }
  }
  return { conversation, remarks, index };
}

function messageOf(by: number, content: string): HistoryMessage {
  const role = by === 0 ? "user" : "assistant";
  const bytes = Buffer.from(JSON.stringify({ role, content }));
  return { role, bytes, tokens: 0, toolCallIds: [], toolCallId: undefined, redactions: 0 };
}
