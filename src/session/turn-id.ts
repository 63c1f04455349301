import { createRandomDraws } from "../kit/random-draws.ts";

/** 128 random bits. */
const ID_BYTES = 16;

/** Makes names that no other record has, not secrets: 32 lowercase hex digits. */
export function createTurnIds(): () => string {
  const draws = createRandomDraws(ID_BYTES);
  return () => {
    const at = draws.next();
    return draws.block.toString("hex", at, at + ID_BYTES);
  };
}
