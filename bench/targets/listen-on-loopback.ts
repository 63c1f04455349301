/** Preloaded into a gateway that has no option for its address: a port alone then means 127.0.0.1. */
import { Server } from "node:net";

const { listen } = Server.prototype;

Server.prototype.listen = function listenOnLoopback(this: Server, ...given: unknown[]) {
  const [port, host, ...rest] = given;
  const args = typeof port === "number" && typeof host !== "string" ? [port, "127.0.0.1", host, ...rest] : given;
  return Reflect.apply(listen, this, args);
};
