import { afterEach, describe, expect, it, vi } from "vitest";

import { anchorOfLine } from "../../../src/audit/verify-audit.ts";
import { send } from "../../support/http-calls.ts";
import { type OtlpCollector, startOtlpCollector } from "../../support/otlp-collector.ts";
import { startTestGateway, type TestGateway } from "../../support/test-gateway.ts";

const ADMIN_KEY = "admin-key-of-this-test";

async function gatewayThatForwards(forward: string, more: { otlp?: string; onAuditLine?: (line: string) => void }) {
  return startTestGateway({
    env: {
      STATEGATE_STORE: "memory:",
      STATEGATE_AUDIT__FORWARD: forward,
      STATEGATE_IDENTITY__ADMIN_KEY: ADMIN_KEY,
    },
    ...more,
  });
}

const readLog = (gateway: TestGateway, key: string) =>
  send({ ...gateway, url: gateway.origin }, "/admin/audit", { key });

describe("the audit log's second place", () => {
  let collector: OtlpCollector | undefined;
  afterEach(async () => {
    await collector?.close();
    collector = undefined;
    vi.unstubAllEnvs();
  });

  it("is standard output: a line for each entry, in the order of the chain", async () => {
    const lines: string[] = [];
    const gateway = await gatewayThatForwards("stdout", { onAuditLine: (line) => void lines.push(line) });
    await readLog(gateway, "wrong");
    await readLog(gateway, ADMIN_KEY);
    await gateway.close();
    expect(lines.every((line) => /^[\x20-\x7e]+\n$/.test(line))).toBe(true);
    const places = lines.map((line) => anchorOfLine(line.trimEnd()));
    expect(places.map(({ sequence }) => sequence)).toEqual(lines.map((_, index) => index));
    expect(lines.join("")).toContain('"event":"authn_login_fail"');
  });

  it("is an OTLP collector: a log record for each entry, with the entry as its body", async () => {
    collector = await startOtlpCollector();
    const gateway = await gatewayThatForwards("otlp", { otlp: collector.url });
    await readLog(gateway, "wrong");
    await readLog(gateway, ADMIN_KEY);
    await gateway.close();
    const logs = collector.logs();
    expect(logs.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["stategate.audit.sys_startup", "stategate.audit.authn_login_fail"]),
    );
    const places = logs.map(({ body }) => anchorOfLine(body));
    expect(places.map(({ sequence }) => sequence)).toEqual(logs.map((_, index) => index));
  });

  it("is nowhere unless it is asked for, and a collector that is away harms nobody", async () => {
    const lines: string[] = [];
    const gateway = await gatewayThatForwards("off", { onAuditLine: (line) => void lines.push(line) });
    await readLog(gateway, ADMIN_KEY);
    await gateway.close();
    expect(lines).toEqual([]);
    collector = await startOtlpCollector();
    const { url } = collector;
    vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "200");
    await collector.close();
    collector = undefined;
    const other = await gatewayThatForwards("otlp", { otlp: url });
    expect((await readLog(other, ADMIN_KEY)).status).toBe(200);
    await other.close();
  });
});
