import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { send } from "../support/http-calls.ts";
import { type CommandPlace, issueKey, runOperatorCommand } from "../support/run-operator-command.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const env = { STATEGATE_IDENTITY__MODE: "keys", STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator" };
const folder = mkdtempSync(join(tmpdir(), "stategate-keys-"));
const place: CommandPlace = { folder, env };
let gateway: TestGateway;
let ada: string;
beforeAll(async () => {
  gateway = await startTestGateway({ env, folder });
  ada = await issueKey(["--tenant", "acme", "--user", "ada", "--label", "laptop"], place);
});
afterAll(async () => {
  await gateway.close();
  await gateway.upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("stategate keys", () => {
  it("issues a key once, to standard output alone, and lists it without the key", async () => {
    const issued = await runOperatorCommand(
      ["keys", "issue", "--tenant", "t", "--expires", "90d", "--requests-per-minute", "60", "--label", "ci"],
      { ...place, clock: () => Date.UTC(2026, 0, 1) },
    );
    expect(issued).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sg_[\w-]{43}\n$/) });
    expect(issued.stderr).not.toContain(issued.stdout.trim());
    const { stdout } = await runOperatorCommand(["keys", "list"], { ...place, clock: () => Date.UTC(2026, 2, 31) });
    const id = /key_[0-9a-f]{12}/.exec(issued.stderr)?.[0];
    const line = stdout.split("\n").find((text) => text.includes(id ?? "no id"));
    expect(JSON.parse(line ?? "")).toEqual({
      id,
      state: "active",
      tenant: "t",
      user: null,
      label: "ci",
      created_at: "2026-01-01T00:00:00.000Z",
      expires_at: "2026-04-01T00:00:00.000Z",
      revoked_at: null,
      limits: { requestsPerMinute: 60 },
    });
    expect(stdout).not.toContain(issued.stdout.trim());
  });

  it("revokes by id: every running replica refuses the key, and goes on with the others", async () => {
    const other = await startTestGateway({ env, folder, upstream: gateway.upstream });
    const key = await issueKey(["--tenant", "acme", "--label", "to revoke"], place);
    const status = async (of: TestGateway, by = key) => (await send(of, "/sessions", { key: by })).status;
    expect([await status(gateway), await status(other)]).toEqual([200, 200]);
    const { stdout } = await runOperatorCommand(["keys", "list"], place);
    const line = stdout.split("\n").find((text) => text.includes("to revoke"));
    const { id } = JSON.parse(line ?? "{}") as { id: string };
    expect(await runOperatorCommand(["keys", "revoke", id], place)).toMatchObject({ code: 0 });
    const revokedAt = performance.now();
    for (const replica of [gateway, other]) {
      await expect.poll(() => status(replica), { timeout: 20_000 }).toBe(401);
    }
    process.stdout.write(`revocation seen by two replicas after ${Math.round(performance.now() - revokedAt)} ms\n`);
    expect([await status(gateway, ada), await status(other, ada)]).toEqual([200, 200]);
    await other.close();
  });

  it.each([
    [["keys", "issue"], "--tenant"],
    [["keys", "issue", "--tenant", "t", "--expires", "soon"], "--expires"],
    [["keys", "issue", "--tenant", "t", "--sessions", "-1"], "--sessions"],
    [["keys", "issue", "--tenant", "t", "--user", "a\nb"], "--user"],
    [["keys", "revoke"], "by its id"],
    [["keys", "revoke", "key_000000000000"], "no key has the id"],
  ])("%j is refused with a reason", async (args, reason) => {
    const outcome = await runOperatorCommand(args, place);
    expect(outcome.code).not.toBe(0);
    expect(outcome.stdout).toBe("");
    expect(outcome.stderr).toContain(reason);
  });
});
