const UUID_LENGTH = 36;
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi;

/** Whether text[start, end) touches a UUID: its groups may be all digits, and one in ten such rows passes Luhn's check. */
export function touchesUuid(text: string, start: number, end: number): boolean {
  const from = Math.max(0, start - UUID_LENGTH);
  const near = text.slice(from, end + UUID_LENGTH);
  return [...near.matchAll(UUID)].some(({ index }) => from + index < end && start < from + index + UUID_LENGTH);
}
