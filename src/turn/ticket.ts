import type { ServerResponse } from "node:http";

import type { Principal } from "../identity/principal.ts";
import { type Admission, type Limiter, unlimited } from "../limits/limiter.ts";

/** A request between the question whether it may run and its end. */
export interface Ticket {
  /** Until it has resolved nothing is asked of the upstream, and nothing answered. @throws GatewayError `rate_limit_exceeded` */
  readonly admitted: Promise<Admission>;
  /** What the request turned out to cost. */
  bill(tokens: number): void;
}

interface TicketParts {
  readonly limiter: Limiter;
  /** `undefined`: nobody knows who asks, so nobody's limits are known. */
  readonly principal: Principal | undefined;
  readonly client: ServerResponse;
}

/** Asks for admission while `work` begins, and says when it has ended, however it did. */
export async function withTicket(parts: TicketParts, work: (ticket: Ticket) => Promise<void>): Promise<void> {
  const { limiter, principal, client } = parts;
  let tokens = 0;
  const admission = principal ? limiter.admit(principal) : Promise.resolve(unlimited);
  const admitted = admission.then((granted) => {
    for (const [name, value] of Object.entries(granted.headers)) client.setHeader(name, value);
    return granted;
  });
  // Work that fails before it looks must not leave a rejection that nobody saw.
  admitted.catch(() => undefined);
  try {
    await work({ admitted, bill: (billed) => (tokens += billed) });
  } finally {
    void admission.then(
      (granted) => granted.done(tokens),
      () => undefined,
    );
  }
}
