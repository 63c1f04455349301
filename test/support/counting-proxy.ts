import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Passes bytes between clients and a server on loopback, and counts how often a client waited for an answer. */
export interface CountingProxy {
  readonly port: number;
  /** Stretches of bytes from clients that followed an answer: as many as a client can have waited through. */
  roundTrips(): number;
  close(): Promise<void>;
}

export async function startCountingProxy(serverPort: number): Promise<CountingProxy> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(serverPort, "127.0.0.1");
    let isAsking = false;
    client.on("data", (bytes) => {
      if (!isAsking) count += 1;
      isAsking = true;
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      isAsking = false;
      client.write(bytes);
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    roundTrips: () => count,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
