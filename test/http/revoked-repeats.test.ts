import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, it } from "vitest";

import { startCannedUpstream } from "../support/canned-upstream.ts";
import { ask, freshSession, onSession, sendChat } from "../support/http-calls.ts";
import { issueKey, runOperatorCommand } from "../support/run-operator-command.ts";
import { createHandClock } from "../support/store-hand-clock.ts";
import { startTestGateway } from "../support/test-gateway.ts";

const answer = {
  id: "x",
  choices: [{ index: 0, message: { role: "assistant", content: "the secret" }, finish_reason: "stop" }],
};

it("a repeat is not answered to a key that the upstream has revoked since, from memory or from the store", async () => {
  const clock = createHandClock();
  const upstream = await startCannedUpstream();
  let isRevoked = false;
  upstream.answer((response) => {
    response.writeHead(isRevoked ? 401 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(isRevoked ? { error: { code: "invalid_api_key" } } : answer));
  });
  const gateway = await startTestGateway({ clock: clock.now, env: { STATEGATE_UPSTREAM_URL: upstream.url } });
  const headers = onSession(freshSession(), { "idempotency-key": "k" });
  const repeat = () => sendChat(gateway, ask("tell me"), { headers });
  await repeat();
  const again = await repeat();
  expect([again.status, again.headers.get("x-stategate-repeat")]).toEqual([200, "true"]);
  isRevoked = true;
  // What the upstream said of a key is remembered for a minute.
  clock.advance(60_001);
  expect((await repeat()).status).toBe(401);
  await gateway.restart();
  const refused = await repeat();
  expect(refused.status).toBe(401);
  expect(refused.text).not.toContain("the secret");
  isRevoked = false;
  expect((await repeat()).headers.get("x-stategate-repeat")).toBe("true");
  await gateway.close();
  await upstream.close();
});

it("nor to a key of the gateway's own that was revoked", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stategate-repeat-"));
  const env = { STATEGATE_IDENTITY__MODE: "keys", STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator" };
  const clock = createHandClock();
  const place = { folder, env, clock: clock.now };
  const gateway = await startTestGateway({ folder, env, clock: clock.now });
  const key = await issueKey(["--tenant", "acme"], place);
  const headers = onSession(freshSession(), { "idempotency-key": "k" });
  const repeat = () => sendChat(gateway, ask("tell me"), { key, headers });
  await repeat();
  expect((await repeat()).headers.get("x-stategate-repeat")).toBe("true");
  const { stdout } = await runOperatorCommand(["keys", "list"], place);
  await runOperatorCommand(["keys", "revoke", /key_[0-9a-f]{12}/.exec(stdout)?.[0] ?? ""], place);
  clock.advance(5_000);
  expect((await repeat()).status).toBe(401);
  await gateway.close();
  await gateway.upstream.close();
  rmSync(folder, { recursive: true, force: true });
});
