import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, it } from "vitest";

import { ask, send, sendChat } from "../support/http-calls.ts";
import { type CommandPlace, issueKey, runOperatorCommand } from "../support/run-operator-command.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const ADMIN_KEY = "admin-key-of-this-test";
const env = {
  STATEGATE_IDENTITY__MODE: "keys",
  STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator",
  STATEGATE_IDENTITY__ADMIN_KEY: ADMIN_KEY,
};
const folder = mkdtempSync(join(tmpdir(), "stategate-identity-audit-"));
const place: CommandPlace = { folder, env };
let gateway: TestGateway;
let ada: string;
beforeAll(async () => {
  gateway = await startTestGateway({ env, folder });
  ada = await issueKey(["--tenant", "acme", "--user", "ada"], place);
});
afterAll(async () => {
  await gateway.close();
  await gateway.upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Entry {
  readonly event: string;
  readonly reason: string | null;
  /** The same within a second is one entry with `times`. */
  readonly counts: Readonly<Record<string, number>>;
}

it("the audit log tells of keys, logins and refusals, and of no key, token or path", async () => {
  const admin = { ...gateway, url: gateway.origin };
  const entries = async (): Promise<string[]> => {
    const answer = await send(admin, "/admin/audit?limit=100", { key: ADMIN_KEY });
    expect(answer.text).not.toMatch(/sg_[\w-]{43}|__Host|file-1|acme/);
    return answer
      .json<{ data: Entry[] }>()
      .data.toReversed()
      .filter(({ event }) => /^(?:authn|authz|priv)/.test(event))
      .flatMap(({ event, reason, counts }) =>
        Array.from({ length: counts["times"] ?? 1 }, () => `${event} ${reason ?? ""}`.trim()),
      );
  };
  const login = await send(gateway, "/login", { method: "POST", key: ada });
  const cookie = (login.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const byCookie = { key: undefined, headers: { cookie } };
  await send(gateway, "/sessions", { ...byCookie, method: "POST" });
  await send(gateway, "/logout", { method: "POST", key: undefined, headers: { cookie, "x-stategate-csrf": "1" } });
  await send(gateway, "/sessions", byCookie);
  // The same again from the same place is one entry a minute.
  for (let time = 0; time < 20; time += 1) await send(gateway, "/sessions", { key: `sg_${"x".repeat(43)}` });
  await send(gateway, "/sessions", { key: ada, headers: { "x-user-id": "bob" } });
  await send(gateway, "/files/file-1", { key: ada });
  await sendChat(gateway, ask("hi", { store: true }), { key: ada });
  const { stdout } = await runOperatorCommand(["keys", "list"], place);
  await runOperatorCommand(["keys", "revoke", /key_[0-9a-f]{12}/.exec(stdout)?.[0] ?? ""], place);
  expect((await entries()).toSorted()).toEqual([
    "authn_login_fail credential_refused",
    "authn_login_success",
    "authn_logout",
    "authn_token_created",
    "authn_token_revoked",
    "authz_fail csrf_header_missing",
    "authz_fail route_not_shared",
    "authz_fail route_not_shared",
    "authz_fail user_conflict",
  ]);
});
