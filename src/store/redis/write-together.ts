import type { Redis } from "ioredis";

/** What is sent in one turn of the event loop leaves in one write: the system call costs more than the command. */
export function writeTogether(client: Redis): void {
  client.on("connect", () => holdWrites(client.stream));
}

function holdWrites(stream: Redis["stream"]): void {
  const write = stream.write.bind(stream);
  let isHeld = false;
  const release = (): void => {
    isHeld = false;
    stream.uncork();
  };
  const hold = (): void => {
    isHeld = true;
    stream.cork();
    setImmediate(release);
  };
  Object.assign(stream, {
    write: (...chunk: Parameters<typeof write>) => {
      if (!isHeld) hold();
      return write(...chunk);
    },
  });
}
