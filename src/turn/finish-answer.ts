import type { ServerResponse } from "node:http";

import { errorBody } from "../errors/error-body.ts";
import type { GatewayError } from "../errors/gateway-error.ts";
import { type RelayResult, responseHeaders } from "./relay-answer.ts";
import type { Remembered } from "./remember-turn.ts";

interface FinishParts {
  readonly client: ServerResponse;
  readonly relay: RelayResult;
  readonly headers: Readonly<Record<string, string>>;
  readonly stored: Remembered;
  /** False where the client does not count on it that the turn is remembered. */
  readonly mustBeStored: boolean;
}

/**
 * Releases what was held back until the turn was stored. A client that sees the end knows that it is remembered;
 * when the append failed it sees an error in the end's place.
 *
 * @throws GatewayError when nothing was sent yet and there is no good answer to send
 */
export function finishAnswer(parts: FinishParts): void {
  const { client, relay } = parts;
  if (relay.clientGone) return;
  if (relay.form === "passed") finishPassed(client, relay);
  else if (relay.form === "stream") finishStream(parts);
  else finishJson(parts);
}

function finishPassed(client: ServerResponse, { failure }: RelayResult): void {
  if (failure) client.destroy();
  else client.end();
}

function finishStream(parts: FinishParts): void {
  const { client, relay, stored } = parts;
  const failure = relay.failure ?? lost(parts);
  if (failure) {
    client.end(`data: ${errorBody(failure)}\n\n`);
    return;
  }
  // Clients ignore comments; whoever reads the wire sees what the head could not say any more.
  const { degraded } = stored;
  if (degraded) client.write(`: x-session-degraded: ${degraded}\n\n`);
  client.end(Buffer.concat(relay.held));
}

function finishJson(parts: FinishParts): void {
  const { client, relay, headers, stored } = parts;
  const failure = relay.failure ?? lost(parts);
  if (failure) throw failure;
  if (!relay.head) throw new TypeError("a plain answer without a head");
  const { degraded } = stored;
  const added = { ...headers, ...(degraded && { "x-session-degraded": degraded }) };
  const bytes = Buffer.concat(relay.held);
  client.writeHead(relay.head.status, responseHeaders(relay.head, added, { form: relay.form, size: bytes.length }));
  endWith(client, bytes);
}

/** Where copying costs more than a second part of a write. */
const MAX_COPIED_BYTES = 1 << 14;

/** Node joins a head to a string and writes both at once; a buffer it would send as a part of its own. */
function endWith(client: ServerResponse, bytes: Buffer): void {
  if (bytes.length > MAX_COPIED_BYTES) client.end(bytes);
  else client.end(bytes.toString("latin1"), "latin1");
}

const lost = ({ stored, mustBeStored }: FinishParts): GatewayError | undefined =>
  mustBeStored ? stored.lost : undefined;
