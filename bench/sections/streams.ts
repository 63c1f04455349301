import { percentile } from "../rig/statistics.ts";
import type { Target } from "../targets/target.ts";
import { clientsOf, measureLoad } from "./measure-load.ts";
import { interleave, type Section } from "./section.ts";
import { directOf } from "./short-turns.ts";

const WARM_UP_MS = 400;
/** Uncounted rounds of long streams: in the first ones an event costs twice as much, while V8 compiles what it meets. */
const WARM_UP_ROUNDS = 4;
/** An answer of some length, its events as fast as they can be written one by one. */
const SHORT_ANSWER = { kind: "stream", frames: 64, paceMs: 0 } as const;
/** Long answers, so that a turn's own cost vanishes among the frames', paced so that no frame waits for the last. */
const LONG_ANSWER = { kind: "stream", frames: 1_000, paceMs: 1 } as const;
const LONG_STREAMS = 16;

/** Time to the first byte of a streamed answer, and CPU time per event. */
export const streams: Section = async (bench) => {
  const { targets, upstream, samples, durationMs, say } = bench;
  await upstream.answerWith(SHORT_ANSWER);
  for (const target of targets) {
    await measureLoad(target, { clients: clientsOf(target, 4, true), durationMs: WARM_UP_MS, samples });
  }
  say("streamed turns, one client");
  const first = await interleave(bench, targets, (target) =>
    measureLoad(target, { clients: clientsOf(target, 1, true), durationMs, samples }),
  );
  for (const round of first) {
    const base = round.get(directOf(targets))?.firstBytes ?? new Float64Array();
    for (const [{ name }, { firstBytes }] of round) {
      samples.add(name, "addedFirstByteP50Ms", percentile(firstBytes, 0.5) - percentile(base, 0.5));
      samples.add(name, "addedFirstByteP99Ms", percentile(firstBytes, 0.99) - percentile(base, 0.99));
    }
  }
  say(`${LONG_STREAMS} long streams at once`);
  await upstream.answerWith(LONG_ANSWER);
  const gateways = targets.filter(({ process }) => process);
  const playLong = (target: Target) =>
    measureLoad(target, { clients: clientsOf(target, LONG_STREAMS, true), durationMs: 0, samples });
  for (const target of gateways) {
    for (let round = 0; round < WARM_UP_ROUNDS; round++) await playLong(target);
  }
  await interleave(bench, gateways, async (target) => {
    await playLong(target);
    const load = await playLong(target);
    samples.add(target.name, "cpuPerFrameUs", (load.cpuMs * 1000) / (load.requests * LONG_ANSWER.frames));
  });
};
