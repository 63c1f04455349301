/** G7: the store of the audit log dies. Nothing waits, nothing is silent, and the chain holds what was recorded meanwhile. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { send } from "../support/fault-client.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { runOperatorCommand } from "../support/run-operator-command.ts";
import { createHandClock, type HandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const ADMIN_KEY = "admin-key-of-this-test";
/** Longer than an open circuit refuses. */
const PAUSE_MS = 1_500;
const REFUSALS = 150;

describeWithRedis("an audit log whose Redis is killed", () => {
  let redis: RedisServer;
  let clock: HandClock;
  let gateway: TestGateway;
  const lines: string[] = [];
  const note = (_fields: unknown, event: string): void => void lines.push(event);
  const env = () => ({ STATEGATE_STORE: redis.url, STATEGATE_IDENTITY__ADMIN_KEY: ADMIN_KEY, ...masterKeys });
  beforeEach(async () => {
    redis = await startRedisServer({ appendOnly: true });
    clock = createHandClock();
    const log = { info: note, warn: note, error: note };
    gateway = await startTestGateway({ clock: clock.now, log, env: env() });
  });
  afterEach(() => redis.stop());

  const audit = (key: string) =>
    send(`${gateway.origin}/admin/audit?limit=100`, { headers: { authorization: `Bearer ${key}` } });
  const failures = async (): Promise<number> =>
    Number(/stategate_degraded\S*audit_failed\S* (\d+)/.exec(await gateway.metrics())?.[1] ?? 0);

  it("has every record in its chain when Redis is back", async () => {
    expect((await audit(ADMIN_KEY)).status).toBe(200);
    await redis.kill();
    for (let count = 0; count < REFUSALS; count += 1) expect((await audit("wrong")).status).toBe(401);
    expect((await audit(ADMIN_KEY)).status, "a reading that cannot be recorded is refused").toBe(503);
    await vi.waitFor(async () => expect(await failures()).toBeGreaterThan(0), { timeout: 20_000, interval: 100 });
    await redis.restart();
    await vi.waitFor(
      async () => {
        clock.advance(PAUSE_MS);
        expect((await audit(ADMIN_KEY)).status).toBe(200);
      },
      { timeout: 20_000, interval: 100 },
    );
    await gateway.close();
    const verdict = await runOperatorCommand(["audit", "verify"], { folder: gateway.folder, env: env() });
    expect(verdict).toMatchObject({ code: 0, stderr: "" });
    const { stdout } = await runOperatorCommand(["audit", "export"], { folder: gateway.folder, env: env() });
    const refusals = stdout.split("\n").flatMap((line) => (line.includes("authn_login_fail") ? [line] : []));
    const times = refusals.reduce((sum, line) => sum + Number(/times\\":(\d+)/.exec(line)?.[1] ?? 1), 0);
    expect(times).toBe(REFUSALS);
    expect(stdout).not.toContain("missing");
    expect(lines.filter((line) => line.startsWith("audit_log"))).toEqual(["audit_log_failing", "audit_log_recovered"]);
    process.stdout.write(`audit outage: ${REFUSALS} records while Redis was dead, ${REFUSALS} in the chain\n`);
  });
});
