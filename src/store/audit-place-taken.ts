/** Each process writes a chain of its own, so two rows in one place are a mistake, and overwriting would hide it. */
export function auditPlaceTaken(sequence: number): TypeError {
  return new TypeError(`the audit chain already has another row with sequence ${sequence}`);
}
