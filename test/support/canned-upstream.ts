import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface CannedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface CannedUpstream {
  readonly url: string;
  readonly requests: readonly CannedRequest[];
  /** Decides every answer from now on. */
  answer(handler: (response: ServerResponse, request: CannedRequest) => void | Promise<void>): void;
  close(): Promise<void>;
}

/** An upstream whose every byte the test writes itself. */
export async function startCannedUpstream(): Promise<CannedUpstream> {
  const requests: CannedRequest[] = [];
  let respond: (response: ServerResponse, request: CannedRequest) => void | Promise<void> = (response) =>
    void response.writeHead(204).end();
  const server = createServer(async (incoming, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece as Buffer);
    const { method = "", url = "", headers } = incoming;
    const request = { method, url, headers, body: Buffer.concat(pieces) };
    requests.push(request);
    await respond(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    answer: (handler) => void (respond = handler),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
