/** `npm run prove` runs the long form of what CI runs briefly. */
const isProving = process.env["STATEGATE_PROVE"] === "1";

export const inCiOrProving = (ci: number, proving: number): number => (isProving ? proving : ci);
