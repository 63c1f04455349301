/**
 * The least a proxy on Node can do: node:http in, undici's dispatcher out, every byte passed on, nothing looked into. Run
 * by the bench as a process of its own:
 *
 *   node bare-proxy-process.ts PORT UPSTREAM_PORT
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { Pool } from "undici";

const [port, upstreamPort] = process.argv.slice(2);
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { pipelining: 1, allowH2: false });

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => void pieces.push(piece));
  request.once("end", () => forward(request, Buffer.concat(pieces), response));
});
server.listen(Number(port), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));

function forward({ method, url = "/", headers }: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const { connection: _, "transfer-encoding": __, ...passed } = headers;
  const path = url;
  pool.dispatch(
    { method: method ?? "GET", path, headers: passed, body: body.length > 0 ? body : null },
    {
      onRequestStart: () => undefined,
      onResponseStart(_controller, status, { connection: _hop, "keep-alive": _alive, ...answered }) {
        delete answered["transfer-encoding"];
        response.writeHead(status, answered);
      },
      onResponseData(controller, chunk) {
        if (response.write(chunk)) return;
        controller.pause();
        response.once("drain", () => controller.resume());
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  );
}
