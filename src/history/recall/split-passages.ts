/** A stretch of a text, by positions. */
export interface Passage {
  readonly start: number;
  readonly end: number;
}

/** A remark as long as this is recalled whole; a longer text in parts about as long. */
const PASSAGE_LENGTH = 1_200;
/** Of a text no more is read: a novel in one message must not hold everybody up. */
const MAX_LENGTH = 64_000;
/** Where a text is parted, the best place first. */
const seams = ["\n\n", "\n", ". ", "? ", "! ", "。", " "];

/** Parts a text at its paragraphs, lines, sentences or words. Nothing between the passages is lost but white space. */
export function splitPassages(text: string): Passage[] {
  const limit = Math.min(text.length, MAX_LENGTH);
  const passages: Passage[] = [];
  let start = 0;
  while (start < limit) {
    const end = limit - start <= PASSAGE_LENGTH ? limit : seamBefore(text, start, start + PASSAGE_LENGTH);
    if (text.slice(start, end).trim() !== "") passages.push({ start, end });
    start = end;
  }
  return passages;
}

/** The end of the last seam in the second half of the stretch, else the stretch's own, between characters. */
function seamBefore(text: string, start: number, end: number): number {
  for (const seam of seams) {
    const at = text.lastIndexOf(seam, end - seam.length);
    if (at >= start + (end - start) / 2) return at + seam.length;
  }
  return /[\uD800-\uDBFF]/.test(text.charAt(end - 1)) ? end - 1 : end;
}
