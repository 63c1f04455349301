/** Where a text that is not JSON goes wrong; the engine itself does not say for every mistake. */
export function findMistake(text: string): number {
  let good = 0;
  let bad = text.length + 1;
  // A text is wrong from some character on: every front that ends before it only breaks off.
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (breaksOff(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return Math.min(good, text.trimEnd().length);
}

function breaksOff(front: string): boolean {
  try {
    JSON.parse(front);
    return true;
  } catch (error) {
    const [, position] = /at position (\d+)/.exec(String(error)) ?? [];
    return position === undefined
      ? /end of JSON/.test(String(error))
      : Number(position) >= front.length || /Unterminated/.test(String(error));
  }
}
