import type { IncomingMessage } from "node:http";

import { GatewayError } from "../errors/gateway-error.ts";

/**
 * The whole body, at most `maxBytes` of it: what a content-length promises and what truly arrives are both checked.
 *
 * @throws GatewayError `body_too_large`, `body_encoding_unsupported`; `body_not_json` when the client goes away in the middle
 */
export function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const encoding = incoming.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    return Promise.reject(new GatewayError("body_encoding_unsupported", "encoded request body"));
  }
  if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        incoming.pause();
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    incoming.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)));
    incoming.on("error", (cause) => reject(new GatewayError("body_not_json", "request body broke off", { cause })));
  });
}

const tooLarge = (): GatewayError => new GatewayError("body_too_large", "request body over the byte limit");
