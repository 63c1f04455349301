import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { residentMegabytes } from "../rig/process-figures.ts";
import { clientsOf } from "../sections/measure-load.ts";
import type { Target } from "../targets/target.ts";
import type { UpstreamProcess } from "../upstream/start-upstream.ts";
import { processOf } from "./process-of.ts";

const READERS = 20;
/** About 40 MB each: far more than the buffers of all sockets on the way hold. */
const LONG = { kind: "stream", frames: 200_000, paceMs: 0 } as const;
const WAIT_MS = 8_000;

/** Clients that ask for a long answer and never read it: the upstream must be made to wait, not the memory to grow. */
export async function measureSlowReader(
  target: Target,
  { upstream }: { upstream: UpstreamProcess },
): Promise<[string, string][]> {
  const { pid } = processOf(target);
  await upstream.answerWith(LONG);
  const before = residentMegabytes(pid);
  const sockets = await Promise.all(
    clientsOf(target, READERS, true).map(async (client) => {
      const socket = connect({ port: target.port, host: "127.0.0.1" });
      await once(socket, "connect");
      socket.pause();
      socket.write(client.next());
      return socket;
    }),
  );
  await pause(WAIT_MS);
  const during = residentMegabytes(pid);
  for (const socket of sockets) socket.destroy();
  return [["memory of a reader that does not read, KB", (((during - before) * 1024) / READERS).toFixed(0)]];
}
