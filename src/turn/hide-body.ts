import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

import { GatewayError } from "../errors/gateway-error.ts";
import { isJsonObject } from "../protocol/json-object.ts";
import { parseJson, scanBody } from "../protocol/scan-body.ts";
import type { Redactor } from "../redaction/redactor.ts";
import { composeBody, hideFields } from "./hide-fields.ts";
import { hideHeaders } from "./hide-headers.ts";
import type { TurnPorts } from "./turn-ports.ts";
import { createWithheldNotes, type WithheldNotes } from "./withheld-notes.ts";

interface PlainRequest {
  readonly headers: IncomingHttpHeaders;
  /** Reads the body; `undefined` for a request without one. */
  readonly readBody: (() => Promise<Buffer>) | undefined;
}

interface HiddenPlainRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: readonly Buffer[] | undefined;
}

/**
 * A request to a route without memory in the form in which the upstream may see it. What it answers is not restored:
 * whoever embeds or moderates a text gets no text back.
 *
 * @throws GatewayError `route_not_redactable` for a body that is not JSON, `body_*`, `redaction_failed`
 */
export async function hidePlainRequest(
  ports: TurnPorts,
  redactor: Redactor,
  { headers, readBody }: PlainRequest,
): Promise<HiddenPlainRequest> {
  const notes = createWithheldNotes(ports.placeholders(scopeOf(ports, headers)), false);
  const hidden = await hideHeaders(headers, redactor);
  if (!readBody) return { headers: hidden, body: undefined };
  if (!headers["content-type"]?.includes("json") && headers["content-length"] !== "0") {
    throw new GatewayError("route_not_redactable", "a body that is not JSON");
  }
  const body = await readBody();
  return { headers: hidden, body: body.length === 0 ? [] : await hideBody(ports, body, { redactor, notes }) };
}

async function hideBody(
  ports: TurnPorts,
  body: Buffer,
  parts: { redactor: Redactor; notes: WithheldNotes },
): Promise<readonly Buffer[]> {
  // Tokens are numbers, and a request to embed may have hundreds of thousands.
  const { members } = scanBody(body, { ...ports.settings.limits, maxValues: Infinity });
  const fields = parseJson(body.toString("utf8"));
  if (!isJsonObject(fields)) throw new TypeError("a scanned body that is no object");
  const { fields: hidden, isSame, counts } = await hideFields({ body, members, fields }, parts);
  ports.meter.redactions(counts);
  return isSame ? [body] : composeBody(hidden, {});
}

/** One caller's placeholders stay the same, so that his embeddings of one text do; nobody else's are like them. */
function scopeOf({ keyedHash }: TurnPorts, { authorization, "api-key": apiKey }: IncomingHttpHeaders): string {
  return keyedHash.hash("placeholder", "plain", String(authorization ?? apiKey ?? randomUUID()));
}
