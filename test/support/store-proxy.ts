import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** A network between a gateway and its store. */
export interface StoreProxy {
  readonly port: number;
  /** Every reply comes so much later from now on; 0 mends it. */
  slowDown(ms: number): void;
  /** Breaks every connection, and lets none through until `connect`. */
  cut(): void;
  connect(): void;
  close(): Promise<void>;
}

export async function startStoreProxy(storePort: number): Promise<StoreProxy> {
  const sockets = new Set<Socket>();
  let delayMs = 0;
  let isCut = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (isCut) return void client.destroy();
    const store = connect(storePort, "127.0.0.1");
    keep(store);
    client.on("close", () => store.destroy()).pipe(store);
    store.on("close", () => client.destroy());
    let replies = Promise.resolve();
    store.on("data", (reply) => {
      const comesAt = delayMs === 0 ? undefined : pause(delayMs);
      replies = replies.then(async () => {
        await comesAt;
        client.write(reply);
      });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    slowDown: (ms) => (delayMs = ms),
    cut,
    connect: () => (isCut = false),
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
