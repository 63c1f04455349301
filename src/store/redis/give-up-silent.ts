import type { Redis } from "ioredis";

const LOOKS = 5;

/**
 * A connection that owes answers and has brought nothing for `silentMs` is closed, and the driver dials again: its peer
 * went without a word (a failed host, a dropped NAT entry). Looked at now and then; the driver's `socketTimeout` sets a
 * timer for every answer.
 */
export function giveUpSilent(client: Redis, silentMs: number): void {
  client.on("connect", () => watchStream(client, silentMs));
}

function watchStream(client: Redis, silentMs: number): void {
  const { stream } = client;
  let read = stream.bytesRead;
  let silentLooks = 0;
  const look = (): void => {
    const isSilent = client.commandQueue.length > 0 && stream.bytesRead === read;
    read = stream.bytesRead;
    silentLooks = isSilent ? silentLooks + 1 : 0;
    // The command may have been sent right before the first.
    if (silentLooks > LOOKS) stream.destroy(new Error(`nothing was answered for ${silentMs} ms`));
  };
  const watching = setInterval(look, silentMs / LOOKS).unref();
  stream.once("close", () => clearInterval(watching));
}
