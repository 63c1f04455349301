import type { ServerResponse } from "node:http";

import { sendJson } from "./send.ts";
import type { World } from "./world.ts";

/** The routes below `/_`: how another process scripts answers, reads the log and resets it. */
export function control(
  world: World,
  response: ServerResponse,
  { method, url, bytes }: { method: string | undefined; url: URL; bytes: Buffer },
): void {
  if (url.pathname === "/_script") {
    const { user, reply, summaries } = JSON.parse(bytes.toString()) as { [field: string]: string | undefined };
    if (user !== undefined && reply !== undefined) world.scripts.set(user, reply);
    if (summaries !== undefined) world.summaryDirectives = summaries;
  } else if (method === "DELETE") {
    world.reset(url.searchParams.has("cache"));
  } else {
    return sendJson(
      response,
      world.log.map(({ bytes: _bytes, ...entry }) => entry),
    );
  }
  sendJson(response, {});
}
