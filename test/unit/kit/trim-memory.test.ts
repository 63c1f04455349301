import { getHeapSpaceStatistics } from "node:v8";

import { expect, it } from "vitest";

import { trimMemory } from "../../../src/kit/trim-memory.ts";

const roomForNew = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.physical_space_size ?? 0;

it("trimming gives back the room for new objects that a busy start left behind", () => {
  let held: object[] = [];
  for (let round = 0; round < 200; round += 1) held = Array.from({ length: 20_000 }, () => ({ round, held: [] }));
  const before = roomForNew();
  trimMemory();
  expect(held).toHaveLength(20_000);
  expect(roomForNew()).toBeLessThan(before / 2);
});
