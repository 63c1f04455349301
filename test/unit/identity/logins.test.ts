import { afterEach, expect, it } from "vitest";

import type { LoginSource } from "../../../src/identity/login-source.ts";
import { createLogins } from "../../../src/identity/logins.ts";
import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { RecordStore } from "../../../src/store/record-store.ts";
import { erasurePlaces } from "../../../src/users/erasure-places.ts";
import {
  bearer,
  callerWith,
  createIdentityParts,
  type IdentityParts,
  refusedAs,
} from "../../support/identity-parts.ts";
import { noAuditLog } from "../../support/no-audit-log.ts";

const OWNER = "owner";
const ada = { owner: OWNER, credential: undefined, limits: undefined };
const source: LoginSource = {
  grant: async () => ({ subject: "tenant", user: "ada", endsAt: undefined }),
  revive: async () => ada,
  resolve: () => ada,
  verify: async () => undefined,
};

let parts: IdentityParts;
afterEach(() => parts.close());

it("a login that begins while its user is erased ends at once, and leaves nothing", async () => {
  parts = await createIdentityParts();
  const removeLogins = erasurePlaces(createMemoryBackend({ clock: parts.clock }).sessions, parts.records).find(
    ({ name }) => name === "logins",
  );
  const records: RecordStore = {
    ...parts.records,
    // The erasure looks between the two rows of a login.
    putIfAbsent: async (name, ...row) => {
      if (name.startsWith("login:")) await removeLogins?.remove(OWNER);
      return parts.records.putIfAbsent(name, ...row);
    },
  };
  const logins = createLogins({ ...parts, records, source, audit: noAuditLog, idleMs: 60_000, absoluteMs: 600_000 });
  await expect(logins.begin(callerWith(bearer("key")))).rejects.toThrow(refusedAs("credential_refused"));
  expect(await parts.records.list("login", { limit: 10 })).toEqual([]);
});
