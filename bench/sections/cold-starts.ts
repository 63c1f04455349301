import { setTimeout as pause } from "node:timers/promises";

import { interleave, type Section } from "./section.ts";

/** What a process that has just ended leaves to be cleaned up costs the next one's start a third: it must be over. */
const REST_MS = 2_000;
const STARTING_MS = 1_000;

/** Every target once more, from nothing to its first answer, while all others are idle. */
export const coldStarts: Section = async (bench) => {
  const { kinds, targets, rig, samples, say } = bench;
  say("cold starts");
  const running = new Set(targets.filter(({ process }) => process).map(({ name }) => name));
  await interleave(
    { ...bench, durationMs: REST_MS + STARTING_MS },
    kinds.filter(({ name }) => running.has(name)),
    async (kind) => {
      await pause(REST_MS);
      const { readyMs, process } = await kind.open(rig);
      samples.add(kind.name, "readyMs", readyMs);
      await process?.stop();
    },
  );
};
