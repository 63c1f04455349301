import type { Identity } from "../identity/principal.ts";
import type { Limiter } from "../limits/limiter.ts";

/** For routes of the gateway's own: each of them verifies who asks, so none can forget to be counted. */
export const withCallLimit = (identity: Identity, limiter: Limiter): Identity => ({
  resolve: (caller, hints) => identity.resolve(caller, hints),
  async verify(principal, caller) {
    await Promise.all([limiter.call(principal), identity.verify(principal, caller)]);
  },
});
