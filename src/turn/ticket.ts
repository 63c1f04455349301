import type { ServerResponse } from "node:http";

import type { Principal } from "../identity/principal.ts";
import type { Awaitable } from "../kit/awaitable.ts";
import { type Admission, type Limiter, unlimited } from "../limits/limiter.ts";

/** A request between the question whether it may run and its end. */
export interface Ticket {
  /** Until it has resolved nothing is asked of the upstream, and nothing answered. @throws GatewayError `rate_limit_exceeded` */
  readonly admitted: Awaitable<Admission>;
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
export function withTicket({ limiter, principal, client }: TicketParts, work: TicketWork): Promise<void> {
  const admission = principal ? limiter.admit(principal) : unlimited;
  return admission instanceof Promise ? workWithin(admission, client, work) : work(freeTicket);
}

type TicketWork = (ticket: Ticket) => Promise<void>;

const freeTicket: Ticket = { admitted: unlimited, bill: () => undefined };

async function workWithin(admission: Promise<Admission>, client: ServerResponse, work: TicketWork): Promise<void> {
  let tokens = 0;
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
