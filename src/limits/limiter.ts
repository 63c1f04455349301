import type { Principal } from "../identity/principal.ts";
import type { Awaitable } from "../kit/awaitable.ts";

/**
 * Keeps each user within limits that all replicas share. Blocks of quota are held in memory, so a call usually answers
 * without asking the store; when the store is down, each replica goes by what it counts itself.
 */
export interface Limiter {
  /**
   * Before a chat request. May run while the session is loaded: nothing is asked of the upstream until it has resolved.
   * Who has no limits is told so at once.
   * @throws GatewayError `rate_limit_exceeded` with the time to wait
   */
  admit(principal: Principal): Awaitable<Admission>;
  /** Before any other route of the gateway's own. @throws GatewayError `rate_limit_exceeded` */
  call(principal: Principal): Promise<void>;
  /** Before a session is made. @throws GatewayError `session_limit_reached` */
  mayCreateSession(principal: Principal): Promise<void>;
  /** Forgets what an erased user used, here and in the store. */
  forget(owner: string): Promise<void>;
  close(): Promise<void>;
}

/** A chat request that may run. */
export interface Admission {
  /** `x-ratelimit-*` in OpenAI's words; empty without limits. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether `done` needs the tokens: learning them from an answer that nobody reads costs something. */
  readonly countsTokens: boolean;
  /** Called once, when the request has ended, with the tokens it was billed; 0 when nothing was. */
  done(tokens: number): void;
}

export const unlimited: Admission = { headers: {}, countsTokens: false, done: () => undefined };
