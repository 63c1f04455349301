import type { ServerResponse } from "node:http";

import type { SessionRef } from "./opened-session.ts";
import type { RequestPrint } from "./request-print.ts";
import type { SessionPlace } from "./session-links.ts";
import type { Ticket } from "./ticket.ts";
import type { TurnRequest } from "./turn-request.ts";
import type { TurnRing } from "./turn-ring.ts";
import type { WithheldNotes } from "./withheld-notes.ts";

/** One request and who waits for its answer. */
export interface TurnExchange {
  readonly ring: TurnRing;
  readonly request: TurnRequest;
  readonly client: ServerResponse;
  readonly ticket: Ticket;
}

/** What one request carries through its life. */
export interface TurnScope extends TurnExchange {
  readonly place: SessionPlace;
  readonly ref: SessionRef;
  readonly print: RequestPrint;
  readonly notes: WithheldNotes;
}
