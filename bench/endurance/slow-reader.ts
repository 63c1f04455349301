import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { runClosedLoop } from "../load/closed-loop.ts";
import { residentMegabytes } from "../rig/process-figures.ts";
import { clientsOf } from "../sections/measure-load.ts";
import type { Target } from "../targets/target.ts";
import type { UpstreamProcess } from "../upstream/start-upstream.ts";
import type { Inside } from "./inside.ts";
import { processOf } from "./process-of.ts";

const READERS = 40;
/** About 40 MB each: far more than the buffers of all sockets on the way hold. */
const LONG = { kind: "stream", frames: 200_000, paceMs: 0 } as const;
const WAIT_MS = 12_000;
/** As much as passes before the long answers are stopped, so that the engine's own room for it is not counted as theirs. */
const WARM = { kind: "stream", frames: 20_000, paceMs: 0 } as const;

/** Clients that ask for a long answer and never read it: the upstream must be made to wait, not the memory to grow. */
export async function measureSlowReader(
  target: Target,
  { upstream, inside }: { upstream: UpstreamProcess; inside: Inside },
): Promise<[string, string][]> {
  const { pid, port } = { ...processOf(target), port: target.port };
  await upstream.answerWith(WARM);
  await runClosedLoop({ port, clients: clientsOf(target, READERS, true), durationMs: 0 });
  await upstream.answerWith(LONG);
  const held = (await inside.look(pid)).heldBytes;
  const resident = residentMegabytes(pid);
  const sockets = await Promise.all(
    clientsOf(target, READERS, true).map(async (client) => {
      const socket = connect({ port, host: "127.0.0.1" });
      await once(socket, "connect");
      socket.pause();
      socket.write(client.next());
      return socket;
    }),
  );
  await pause(WAIT_MS);
  const kilobytes = (bytes: number): string => (bytes / 1024 / READERS).toFixed(0);
  const residentMore = (residentMegabytes(pid) - resident) * 2 ** 20;
  const heldMore = (await inside.look(pid)).heldBytes - held;
  for (const socket of sockets) socket.destroy();
  return [
    ["a reader that does not read: memory held for it, KB", kilobytes(heldMore)],
    ["… resident memory that came with it, KB", kilobytes(residentMore)],
  ];
}
