import type { RecallUnit } from "./recall-index.ts";
import { readRemark } from "./remark.ts";

/** What was said in a unit, as it is stored. */
export const unitText = ({ message, start, end }: RecallUnit): string =>
  readRemark(message)?.text.slice(start, end).trim() ?? "";
