import type { IncomingHttpHeaders } from "node:http";

import { LRUCache } from "lru-cache";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { Credential } from "./principal.ts";

/**
 * Asks the upstream whether it would serve a credential, for routes that the upstream never sees.
 * Rejects with GatewayError `credential_refused`, or with the upstream's own failure: then nothing is read either.
 */
type CredentialCheck = (credential: Credential | undefined, headers: IncomingHttpHeaders) => Promise<void>;

const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 10_000;

export function createCredentialCheck(upstream: Upstream, keyedHash: KeyedHash, clock: Clock): CredentialCheck {
  const accepted = new LRUCache<string, Promise<boolean>>({
    max: MAX_REMEMBERED,
    ttl: REMEMBERED_MS,
    perf: { now: clock },
  });
  return async (credential, headers) => {
    const name = keyedHash.hash("cache-key", "credential", credential?.value ?? "");
    let answer = accepted.get(name);
    if (!answer) {
      answer = upstream.checkCredential(headers).then((result) => result.accepted);
      accepted.set(name, answer);
      // A refusal or a failure is asked again: keys are also made valid, and upstreams recover.
      const forget = (): void => void accepted.delete(name);
      answer.then((isAccepted) => isAccepted || forget(), forget);
    }
    if (!(await answer)) throw new GatewayError("credential_refused", "the upstream refuses this credential");
  };
}
