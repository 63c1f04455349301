/**
 * For each position of `text`, how many items from there on equal the front of `pattern`. Linear time, whatever the
 * input (the Z algorithm): a conversation of one word repeated must not take a minute.
 */
export function prefixLengths(pattern: readonly string[], text: readonly string[]): Int32Array {
  const whole = [...pattern, ...text];
  const lengths = new Int32Array(whole.length);
  let left = 0;
  let right = 0;
  for (let at = 1; at < whole.length; at += 1) {
    let length = at < right ? Math.min(right - at, lengths[at - left] ?? 0) : 0;
    while (length < pattern.length && at + length < whole.length && whole[length] === whole[at + length]) length += 1;
    lengths[at] = length;
    if (at + length > right) [left, right] = [at, at + length];
  }
  return lengths.subarray(pattern.length);
}
