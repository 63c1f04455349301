import { setTimeout as pause } from "node:timers/promises";

import { residentMegabytes } from "../rig/process-figures.ts";
import { interleave, type Section } from "./section.ts";

/** What a process that has just ended leaves to be cleaned up costs the next one's start a third: it must be over. */
const REST_MS = 2_000;
/** So long V8 takes to give back what the start had needed. */
const CALMING_MS = 4_000;
const STARTING_MS = 2_000;

/** Every target once more, from nothing to its first answer and then at rest, while all others are idle. */
export const coldStarts: Section = async (bench) => {
  const { kinds, targets, rig, samples, say } = bench;
  say("cold starts");
  const running = new Set(targets.filter(({ process }) => process).map(({ name }) => name));
  await interleave(
    { ...bench, durationMs: REST_MS + STARTING_MS + CALMING_MS },
    kinds.filter(({ name }) => running.has(name)),
    async (kind) => {
      await pause(REST_MS);
      const { readyMs, process } = await kind.open(rig);
      samples.add(kind.name, "readyMs", readyMs);
      if (!process) return;
      await pause(CALMING_MS);
      samples.add(kind.name, "restMegabytes", residentMegabytes(process.pid));
      await process.stop();
    },
  );
};
