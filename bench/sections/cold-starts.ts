import { interleave, type Section } from "./section.ts";

/** Every target once more, from nothing to its first answer, while all others are idle. */
export const coldStarts: Section = async (bench) => {
  const { kinds, targets, rig, samples, say } = bench;
  say("cold starts");
  const running = new Set(targets.filter(({ process }) => process).map(({ name }) => name));
  await interleave(
    bench,
    kinds.filter(({ name }) => running.has(name)),
    async (kind) => {
      const { readyMs, process } = await kind.open(rig);
      samples.add(kind.name, "readyMs", readyMs);
      await process?.stop();
    },
  );
};
