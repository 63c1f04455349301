import type { ServerResponse } from "node:http";

import type { Upstream, UpstreamCall, UpstreamRequest } from "../upstream/upstream.ts";

interface PassThroughOptions {
  readonly upstream: Upstream;
  readonly request: UpstreamRequest;
  readonly client: ServerResponse;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Forwards a request and its answer byte for byte, both ways with backpressure. Resolves to the status once the answer
 * is through or the client is gone.
 *
 * @throws GatewayError when the upstream fails before its head; a later cut cuts the client's connection too
 */
export function passThrough({ upstream, request, client, headers }: PassThroughOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let paused = false;
    let call: UpstreamCall | undefined;
    const onDrain = (): void => {
      paused = false;
      call?.resume();
    };
    const onClose = (): void => {
      call?.abort();
      settle();
    };
    const settle = (): void => {
      client.off("drain", onDrain);
      client.off("close", onClose);
      resolve(status);
    };
    client.on("drain", onDrain);
    client.on("close", onClose);
    call = upstream.send(request, {
      onHead(head) {
        status = head.status;
        client.writeHead(status, { ...head.headers, ...headers });
        setImmediate(() => client.writableEnded || client.flushHeaders());
      },
      onData(chunk) {
        if (client.write(chunk) || paused) return;
        paused = true;
        call?.pause();
      },
      onEnd() {
        client.end();
        settle();
      },
      onError(error) {
        if (status === 0) reject(error);
        else client.destroy();
        settle();
      },
    });
  });
}
