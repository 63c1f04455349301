import { randomBytes } from "node:crypto";

import type { AuditLog } from "../audit/audit-log.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import type { RecordSealer } from "../sealing/record-sealer.ts";
import type { RecordStore } from "../store/record-store.ts";
import { loginTokenOf } from "./login-cookie.ts";
import { loginName, loginsOf } from "./login-names.ts";
import type { LoginGrant, LoginSource } from "./login-source.ts";
import type { Caller } from "./principal.ts";

/** What browsers have in the place of a credential. A token is known by its hash alone and seen once. */
export interface Logins {
  /**
   * Exchanges the caller's credential for a new token, and ends the login whose cookie came along.
   * @throws GatewayError as the credential's own identity does
   */
  begin(caller: Caller): Promise<string>;
  /** @throws GatewayError `credential_refused` for a login that was never begun, or has ended */
  resume(caller: Caller): Promise<LoginGrant>;
  /** Idempotent. */
  end(caller: Caller): Promise<void>;
}

export interface LoginsOptions {
  readonly source: LoginSource;
  readonly records: RecordStore;
  readonly recordSealer: RecordSealer;
  readonly keyedHash: KeyedHash;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly idleMs: number;
  readonly absoluteMs: number;
}

interface Login {
  readonly grant: LoginGrant;
  readonly beganAt: number;
  /** When its idle time last began anew. */
  readonly renewedAt: number;
}

const RENEW_AFTER_MS = 60_000;

export function createLogins(options: LoginsOptions): Logins {
  const { source, records, recordSealer, keyedHash, clock, audit, idleMs } = options;
  /** Once a minute, or sooner where a login would end before it. */
  const renewAfterMs = Math.min(RENEW_AFTER_MS, idleMs / 2);
  const hashOf = (token: string): string => keyedHash.hash("credential", "login", token);
  const nameOf = (token: string): string => loginName(hashOf(token));
  const encode = (name: string, login: Login): Buffer => recordSealer.seal(name, Buffer.from(JSON.stringify(login)));
  const endPresented = async ({ headers }: Caller): Promise<boolean> => {
    const token = loginTokenOf(headers);
    return token !== undefined && token !== "" && records.remove(nameOf(token));
  };
  return {
    async begin(caller) {
      const grant = await source.grant(caller);
      await endPresented(caller);
      const { owner } = await source.revive(grant);
      const token = randomBytes(32).toString("base64url");
      const name = nameOf(token);
      const login = { grant, beganAt: clock(), renewedAt: clock() };
      // First, and for as long as the login may live: an erasure must find what it has to end.
      const place = loginsOf(owner) + hashOf(token);
      await records.putIfAbsent(place, Buffer.alloc(1), clock() + options.absoluteMs);
      await records.putIfAbsent(name, encode(name, login), endOf(login, options));
      if (!(await records.read(place))) {
        // An erasure came between the two and saw no login yet.
        await records.remove(name);
        throw new GatewayError("credential_refused", "the user was erased while a login began");
      }
      audit.record({ event: "authn_login_success", owner, address: caller.address });
      return token;
    },
    async resume({ headers }) {
      const name = nameOf(loginTokenOf(headers) ?? "");
      const sealed = await records.read(name);
      const login = sealed && (JSON.parse(recordSealer.open(name, sealed).toString("utf8")) as Login);
      const now = clock();
      // By this clock too, and not only by the store's.
      if (!login || endOf(login, options) <= now)
        throw new GatewayError("credential_refused", "a login that has ended");
      if (now - login.renewedAt >= renewAfterMs) {
        const renewed = { ...login, renewedAt: now };
        const change = { expected: sealed, bytes: encode(name, renewed), expiresAt: endOf(renewed, options) };
        // A logout at the same moment wins: what is gone is not written again.
        await records.replace(name, change);
      }
      return login.grant;
    },
    async end(caller) {
      if (await endPresented(caller)) audit.record({ event: "authn_logout", address: caller.address });
    },
  };
}

/** Idle or absolute, whichever comes first, and never later than the credential behind it. */
function endOf({ grant, beganAt, renewedAt }: Login, { idleMs, absoluteMs }: LoginsOptions): number {
  return Math.min(renewedAt + idleMs, beganAt + absoluteMs, grant.endsAt ?? Infinity);
}
