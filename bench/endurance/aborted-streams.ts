import { setTimeout as pause } from "node:timers/promises";

import type { RequestSource } from "../load/chat-requests.ts";
import { openConnection } from "../load/http-connection.ts";
import { openDescriptors, residentMegabytes } from "../rig/process-figures.ts";
import { slope } from "../rig/statistics.ts";
import { clientsOf } from "../sections/measure-load.ts";
import type { Target } from "../targets/target.ts";
import type { UpstreamProcess } from "../upstream/start-upstream.ts";
import type { Inside, InsideFigures } from "./inside.ts";
import { processOf } from "./process-of.ts";

const AT_ONCE = 16;
const SAMPLES = 20;
/** What the caches hold when they are full is no leak: the first part only fills them. */
const WARM_SAMPLES = 6;
const SETTLE_MS = 3_000;

interface Sample extends InsideFigures {
  readonly streams: number;
  readonly descriptors: number;
  readonly residentBytes: number;
}

interface AbortedOptions {
  readonly upstream: UpstreamProcess;
  readonly inside: Inside;
  readonly streams: number;
}

/** Every other stream is left after its first bytes. */
export async function measureAbortedStreams(
  target: Target,
  { upstream, inside, streams }: AbortedOptions,
): Promise<[string, string][]> {
  const { pid } = processOf(target);
  await upstream.answerWith({ kind: "stream", frames: 20, paceMs: 0 });
  const clients = clientsOf(target, AT_ONCE, true);
  const each = Math.round(streams / SAMPLES / AT_ONCE);
  const samples: Sample[] = [];
  for (let part = 1; part <= SAMPLES; part += 1) {
    await Promise.all(clients.map((client) => playStreams(target, client, each)));
    // Before the first and after the last of the samples that count, all that streams leave open has its time to close.
    if (part === WARM_SAMPLES || part === SAMPLES) await pause(SETTLE_MS);
    const residentBytes = residentMegabytes(pid) * 2 ** 20;
    const figures = await inside.look(pid);
    samples.push({ ...figures, streams: part * each * AT_ONCE, residentBytes, descriptors: openDescriptors(pid) });
  }
  return describe(samples.slice(WARM_SAMPLES - 1));
}

function describe(samples: readonly Sample[]): [string, string][] {
  const over = (read: (sample: Sample) => number): string =>
    slope(samples.map((sample) => [sample.streams, read(sample)])).toFixed(0);
  const ends = (read: (sample: Sample) => number): string =>
    [samples.at(0), samples.at(-1)].map((sample) => (sample ? read(sample).toFixed(0) : "?")).join(" → ");
  return [
    ["streams, every other one aborted", String(samples.at(-1)?.streams)],
    ["resident memory over the last 70 %, MB", ends(({ residentBytes }) => residentBytes / 2 ** 20)],
    ["… its slope, bytes a stream", over(({ residentBytes }) => residentBytes)],
    ["memory held after a collection, over the last 70 %, MB", ends(({ heldBytes }) => heldBytes / 2 ** 20)],
    ["… its slope, bytes a stream", over(({ heldBytes }) => heldBytes)],
    ["descriptors over the last 70 %", ends(({ descriptors }) => descriptors)],
    ["sockets", ends(({ sockets }) => sockets)],
    ["timers", ends(({ timers }) => timers)],
    ["functions, listeners among them", ends(({ functions }) => functions)],
    ["warnings of too many listeners", ends(({ listenerWarnings }) => listenerWarnings)],
  ];
}

async function playStreams({ port }: Target, source: RequestSource, count: number): Promise<void> {
  let connection = await openConnection(port);
  for (let index = 0; index < count; index += 1) {
    if (index % 2 === 0) await connection.send(source.next());
    else {
      await connection.sendAndLeave(source.next());
      connection = await openConnection(port);
    }
  }
  connection.close();
}
