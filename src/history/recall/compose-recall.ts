import type { RecallUnit } from "./recall-index.ts";
import { headingOf, lineOf, type RecalledRemark, renderRecall } from "./render-recall.ts";
import { createUnitReader } from "./unit-text.ts";

export interface RecallRoom {
  readonly maxTokens: number;
  countText(text: string): number;
  /** Whether the context holds the text already. */
  isShown(text: string): boolean;
}

export interface RecallText {
  readonly text: string;
  /** With the empty line in front of it. */
  readonly tokens: number;
}

/** So many in a row that do not fit, and what is left of the room is left. */
const MAX_MISFITS = 12;

/**
 * The best remarks that there is room for, as one text for behind the newest message; `undefined` when there are none.
 * What does not fit is passed over, as something shorter behind it may.
 */
export function composeRecall(ranked: readonly RecallUnit[], room: RecallRoom): RecallText | undefined {
  const chosen = chooseRemarks(ranked, room);
  // Where lines meet, tokens may split differently than when counted apart: the last ones chosen go then.
  for (; chosen.length > 0; chosen.pop()) {
    const text = renderRecall(chosen);
    const tokens = room.countText(`\n\n${text}`);
    if (tokens <= room.maxTokens) return { text, tokens };
  }
  return undefined;
}

function chooseRemarks(ranked: readonly RecallUnit[], room: RecallRoom): RecalledRemark[] {
  const chosen: RecalledRemark[] = [];
  const told = new Set<string>();
  const days = new Set<string>();
  const textOf = createUnitReader();
  let left = room.maxTokens - room.countText(`\n\n${renderRecall([])}`);
  let misfits = 0;
  for (const unit of ranked) {
    if (left <= 0 || misfits >= MAX_MISFITS) break;
    const text = textOf(unit);
    if (told.has(text) || room.isShown(text)) continue;
    const remark = { line: lineOf(speakerOf(unit), text), at: unit.at, position: unit.position };
    const heading = headingOf(unit.at);
    const cost = room.countText(`${remark.line}\n`) + (days.has(heading) ? 0 : room.countText(`\n${heading}\n`));
    if (cost > left) {
      misfits += 1;
      continue;
    }
    left -= cost;
    misfits = 0;
    chosen.push(remark);
    told.add(text);
    days.add(heading);
  }
  return chosen;
}

/** A remark that opens with a name says itself who speaks. */
const speakerOf = ({ name, start, message }: RecallUnit): string | undefined =>
  name !== undefined && start === 0 ? undefined : message.role;
