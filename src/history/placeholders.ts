/** Of any name that a configuration may give. */
const PLACEHOLDER = /\[[A-Z][A-Z0-9_]{1,23}_[0-9a-f]{8}\]/g;

/** How many stand-ins for withheld values a text holds. */
export const countPlaceholders = (text: string): number => text.match(PLACEHOLDER)?.length ?? 0;
