/** The caller counts turns; two turns with one number are its mistake, and overwriting would lose an acknowledged one. */
export function turnSequenceTaken(sequence: number | undefined): TypeError {
  return new TypeError(`the session already has a turn with sequence ${sequence}`);
}
