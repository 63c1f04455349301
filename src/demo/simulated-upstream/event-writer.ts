import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";

import type { Directives } from "./directives.ts";

export function createEventWriter(response: ServerResponse, directives: Directives): (data: string) => Promise<void> {
  const lineEnd = directives.has("cr") ? "\r" : directives.has("crlf") ? "\r\n" : "\n";
  const step = directives.has("chunked1") ? 1 : directives.has("split") ? 7 : Number.POSITIVE_INFINITY;
  const before = directives.has("heartbeat") ? `: keep-alive${lineEnd}${lineEnd}` : "";
  let mark = directives.has("bom") ? "\uFEFF" : "";
  return async (data) => {
    const bytes = Buffer.from(`${mark}${before}data: ${data}${lineEnd}${lineEnd}`);
    mark = "";
    for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
      if (!response.write(bytes.subarray(at, at + step))) await drained(response);
      if (step < bytes.length) await nextTurn();
    }
  };
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}
