import type { HistoryMessage, HistoryTurn, Summary } from "../history/history-strategy.ts";
import type { SummaryJob } from "../history/summariser.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import type { PlaceholderNamer, Redactor } from "../redaction/redactor.ts";

export interface HidingParts {
  readonly redactor: Redactor;
  readonly name: PlaceholderNamer;
}

export const parseStored = ({ bytes }: HistoryMessage): ChatMessage =>
  JSON.parse(bytes.toString("utf8")) as ChatMessage;

/**
 * What a summary is to be made of, as the upstream may see it: it may have been stored while redaction was off.
 *
 * @throws GatewayError `redaction_failed`: then nothing may leave
 */
export async function hideSummaryJob(parts: HidingParts, job: SummaryJob): Promise<SummaryJob> {
  const turns: HistoryTurn[] = [];
  for (const turn of job.turns) {
    const stored = await hideMessages(parts, turn.stored);
    turns.push({ ...turn, messages: stored, stored });
  }
  return { ...job, turns, previous: job.previous && (await hideSummary(parts, job.previous)) };
}

async function hideMessages(
  { redactor, name }: HidingParts,
  messages: readonly HistoryMessage[],
): Promise<readonly HistoryMessage[]> {
  const given = messages.map(parseStored);
  const redactions = await redactor.redact(given, name);
  return messages.map((message, index) => {
    const redacted = redactions[index]?.message;
    return redacted === given[index] ? message : { ...message, bytes: Buffer.from(JSON.stringify(redacted)) };
  });
}

async function hideSummary({ redactor, name }: HidingParts, summary: Summary): Promise<Summary> {
  const [redaction] = await redactor.redactValues([summary.text], name);
  return { ...summary, text: redaction?.value ?? "" };
}
