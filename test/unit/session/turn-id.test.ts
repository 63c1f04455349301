import { expect, it } from "vitest";

import { createTurnIds } from "../../../src/session/turn-id.ts";

it("turn ids are 32 lowercase hex digits, and none comes twice however many are made", () => {
  const newTurnId = createTurnIds();
  const ids = Array.from({ length: 5_000 }, newTurnId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(ids).size).toBe(ids.length);
});

it("makers of turn ids do not make the same ones", () => {
  const [one, other] = [createTurnIds(), createTurnIds()];
  const ids = Array.from({ length: 1_000 }, () => [one(), other()]).flat();
  expect(new Set(ids).size).toBe(ids.length);
});
