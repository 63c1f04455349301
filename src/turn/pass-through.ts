import type { ServerResponse } from "node:http";

import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from "../upstream/upstream.ts";
import { createAnswerTap } from "./answer-tap.ts";
import type { Ticket } from "./ticket.ts";

interface PassThroughOptions {
  readonly upstream: Upstream;
  readonly request: UpstreamRequest;
  readonly client: ServerResponse;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sees what passes. */
  readonly tap?: Pick<UpstreamHandler, "onHead" | "onData"> | undefined;
}

/**
 * Forwards a request and its answer byte for byte, both ways with backpressure. Resolves to the status once the answer
 * is through or the client is gone.
 *
 * @throws GatewayError when the upstream fails before its head; a later cut cuts the client's connection too
 */
export function passThrough({ upstream, request, client, headers, tap }: PassThroughOptions): Promise<number> {
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
        tap?.onHead(head);
        client.writeHead(status, { ...head.headers, ...headers });
        setImmediate(() => client.writableEnded || client.flushHeaders());
      },
      onData(chunk) {
        tap?.onData(chunk);
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

/** The same for a request whose caller may be under limits: it waits for its admission, and its tokens are billed. */
export async function passThroughWith(ticket: Ticket, options: PassThroughOptions): Promise<void> {
  const { countsTokens } = await ticket.admitted;
  const { body } = options.request;
  const tap = countsTokens ? createAnswerTap(Array.isArray(body) ? Buffer.concat(body).length : 0) : undefined;
  try {
    await passThrough({ ...options, tap });
  } finally {
    if (tap) ticket.bill(tap.tokens());
  }
}
