import type { HistoryMessage } from "../history-strategy.ts";
import type { RecallUnit } from "./recall-index.ts";
import { readRemark } from "./remark.ts";

/** Reads what was said in units, as it is stored. A message of which there are several units is parsed once. */
export function createUnitReader(): (unit: RecallUnit) => string {
  const texts = new Map<HistoryMessage, string>();
  const textOf = (message: HistoryMessage): string => {
    const known = texts.get(message);
    if (known !== undefined) return known;
    const text = readRemark(message)?.text ?? "";
    texts.set(message, text);
    return text;
  };
  return ({ message, start, end }) => textOf(message).slice(start, end).trim();
}
