import { setTimeout as pause } from "node:timers/promises";

import { type HttpConnection, openConnection } from "../load/http-connection.ts";
import { residentMegabytes } from "../rig/process-figures.ts";
import { clientsOf } from "../sections/measure-load.ts";
import type { Target } from "../targets/target.ts";
import type { UpstreamProcess } from "../upstream/start-upstream.ts";
import type { Inside } from "./inside.ts";
import { processOf } from "./process-of.ts";

/** Slow enough that all of them are open together. */
const SLOW = { kind: "stream", frames: 40, paceMs: 250 } as const;
const MIDWAY_MS = 6_000;

/** So many streams open at once, all of them read. */
export async function measureOpenStreams(
  target: Target,
  { upstream, inside, streams }: { upstream: UpstreamProcess; inside: Inside; streams: number },
): Promise<[string, string][]> {
  const { pid } = processOf(target);
  await upstream.answerWith(SLOW);
  const held = (await inside.look(pid)).heldBytes;
  const before = residentMegabytes(pid);
  const connections = await Promise.all(Array.from({ length: streams }, () => openConnection(target.port)));
  const clients = clientsOf(target, streams, true);
  const answers = clients.map(async (client, index) => (connections[index] as HttpConnection).send(client.next()));
  await pause(MIDWAY_MS);
  const during = residentMegabytes(pid);
  const heldMore = (await inside.look(pid)).heldBytes - held;
  const answered = (await Promise.allSettled(answers)).filter(
    (answer) => answer.status === "fulfilled" && answer.value.status === 200,
  );
  for (const connection of connections) connection.close();
  return [
    [`of ${streams} streams at once, answered whole`, String(answered.length)],
    ["an open stream: memory held for it, KB", (heldMore / 1024 / streams).toFixed(1)],
    ["… resident memory that came with it, KB", (((during - before) * 1024) / streams).toFixed(0)],
  ];
}
