import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import { frontierPoints } from "../../../bench/report/frontier.ts";
import { createProcessGroup } from "../../../bench/rig/process-group.ts";
import { createSamples } from "../../../bench/rig/samples.ts";
import { frontier } from "../../../bench/sections/frontier.ts";
import { checkTarget } from "../../../bench/targets/check-target.ts";
import { direct } from "../../../bench/targets/direct.ts";
import { haproxy, haproxyVersion } from "../../../bench/targets/haproxy.ts";
import type { Rig, Target } from "../../../bench/targets/target.ts";
import { startUpstream, type UpstreamProcess } from "../../../bench/upstream/start-upstream.ts";

const folder = mkdtempSync(join(tmpdir(), "stategate-bench-"));
const processes = createProcessGroup(folder);
let upstream: UpstreamProcess;
let rig: Rig;

beforeAll(async () => {
  upstream = await startUpstream(processes);
  const cores = { isPinned: false, gatewayPrefix: [], description: "not pinned" };
  rig = { cores, processes, folder, upstreamPort: upstream.port };
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await processes.stopAll();
  rmSync(folder, { recursive: true, force: true });
});

describe("haproxy as a target", () => {
  it.skipIf(haproxyVersion() === undefined)("answers on loopback what the upstream answers, and ends", async () => {
    const target = await haproxy.open(rig);
    await checkTarget(target);
    await target.process?.stop();
    await expect(checkTarget(target)).rejects.toThrow("ECONNREFUSED");
  });

  it("says so where it is not installed, so that its column is missing and no more", async () => {
    vi.stubEnv("PATH", folder);
    await expect(haproxy.open(rig)).rejects.toThrow("haproxy is not installed");
  });
});

describe("the frontier's section", () => {
  it("asks a target for no more clients once half of the answers are later than every bound", async () => {
    const slowServer = createServer((request, response) => {
      request.resume().once("end", () => void pause(25).then(() => response.end("A short answer.")));
    }).listen(0, "127.0.0.1");
    await once(slowServer, "listening");
    const fast = await direct.open(rig);
    const slow: Target = { ...fast, name: "Portkey", port: (slowServer.address() as AddressInfo).port };
    const samples = createSamples();
    const plan = { rounds: 2, durationMs: 20, warmUpMs: 1, kinds: [], say: () => undefined };
    await frontier({ ...plan, rig, targets: [fast, slow], upstream, samples });
    slowServer.close();
    expect(frontierPoints(samples, "Portkey").map(({ clients }) => clients)).toEqual([1]);
    expect(frontierPoints(samples, "direct")[0]?.requestsPerSecond).toBeGreaterThan(0);
    expect(samples.failures("Portkey") + samples.failures("direct")).toBe(0);
  });
});
