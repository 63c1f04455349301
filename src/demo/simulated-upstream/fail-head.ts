import type { ServerResponse } from "node:http";

import type { Directives } from "./directives.ts";
import { sendError, sendText } from "./send.ts";

const proxyPage = "<html><body><h1>502 Bad Gateway</h1></body></html>";

/** True when a directive has failed the request before any answer. */
export function failHead(response: ServerResponse, directives: Directives, stream: boolean): boolean {
  const status = directives.number("error");
  if (status !== undefined) sendError(response, `simulated ${status}`, { status, code: "simulated" });
  else if (directives.has("html")) sendText(response, proxyPage, { status: 502, contentType: "text/html" });
  else if (directives.has("garbage") && !stream)
    sendText(response, '{"choices": [{"mess', { status: 200, contentType: "application/json" });
  else return false;
  return true;
}
