import { setTimeout as pause } from "node:timers/promises";

import type { RequestSource } from "../load/chat-requests.ts";
import { openConnection } from "../load/http-connection.ts";
import { openDescriptors, residentMegabytes } from "../rig/process-figures.ts";
import { slope } from "../rig/statistics.ts";
import { clientsOf } from "../sections/measure-load.ts";
import type { Target } from "../targets/target.ts";
import type { UpstreamProcess } from "../upstream/start-upstream.ts";
import { processOf } from "./process-of.ts";

const AT_ONCE = 16;
const SAMPLES = 20;
/** What the caches hold when they are full is no leak: the first part only fills them. */
const WARM_SHARE = 0.3;
const SETTLE_MS = 3_000;

/** Every other stream is left after its first bytes. */
export async function measureAbortedStreams(
  target: Target,
  { upstream, streams }: { upstream: UpstreamProcess; streams: number },
): Promise<[string, string][]> {
  const { pid } = processOf(target);
  await upstream.answerWith({ kind: "stream", frames: 20, paceMs: 0 });
  const descriptorsBefore = openDescriptors(pid);
  const clients = clientsOf(target, AT_ONCE, true);
  const points: [number, number][] = [];
  for (let sample = 1; sample <= SAMPLES; sample += 1) {
    const each = Math.round(streams / SAMPLES / AT_ONCE);
    await Promise.all(clients.map((client) => playStreams(target, client, each)));
    points.push([sample * each * AT_ONCE, residentMegabytes(pid) * 1024]);
  }
  await pause(SETTLE_MS);
  const steady = points.slice(Math.floor(points.length * WARM_SHARE));
  return [
    [`streams, every other one aborted`, String(points.at(-1)?.[0])],
    ["resident memory before and after the last 70 %, MB", `${megabytes(steady[0])} → ${megabytes(steady.at(-1))}`],
    ["slope over the last 70 %, bytes a stream", (slope(steady) * 1024).toFixed(0)],
    ["descriptors before and after", `${descriptorsBefore} → ${openDescriptors(pid)}`],
  ];
}

const megabytes = (point: readonly [number, number] | undefined): string => ((point?.[1] ?? 0) / 1024).toFixed(0);

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
