import type { BrowserLogins } from "./browser-logins.ts";
import { endedCookie, loginCookie, loginTokenOf, type SameSite } from "./login-cookie.ts";
import { refuseForgery } from "./login-identity.ts";
import type { Logins } from "./logins.ts";
import type { NoteRefusal } from "./refusal-notes.ts";

export interface BrowserLoginsOptions {
  readonly logins: Logins;
  readonly origins: readonly string[];
  readonly sameSite: SameSite;
  readonly note: NoteRefusal;
}

export function createBrowserLogins({ logins, origins, sameSite, note }: BrowserLoginsOptions): BrowserLogins {
  return {
    async login(caller) {
      try {
        return loginCookie(await logins.begin(caller), sameSite);
      } catch (error) {
        note(error, caller);
        throw error;
      }
    },
    async logout(caller) {
      if (loginTokenOf(caller.headers) !== undefined) refuseForgery(caller, origins);
      await logins.end(caller);
      return endedCookie(sameSite);
    },
  };
}
