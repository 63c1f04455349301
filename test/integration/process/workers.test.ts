import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../../src/demo/simulated-upstream.ts";
import { type GatewayProcess, startGatewayProcess } from "../../support/gateway-process.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { countTokens } from "../../support/test-gateway.ts";
import { masterKeys } from "../../support/test-master-keys.ts";

const TURNS = 40;

interface World {
  readonly gateway: GatewayProcess;
  readonly upstream: SimulatedUpstream;
}

const toClose: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close();
});

async function startWorkers(env: Readonly<Record<string, string>> = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "stategate-workers-"));
  toClose.push(async () => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startSimulatedUpstream({ countTokens: await countTokens() });
  toClose.push(() => upstream.close());
  const gateway = await startGatewayProcess({
    STATEGATE_WORKERS: "2",
    STATEGATE_UPSTREAM_URL: upstream.url,
    STATEGATE_STORE: `sqlite:${join(folder, "stategate.db")}`,
    STATEGATE_LOG__LEVEL: "info",
    ...env,
  });
  toClose.push(() => gateway.stop());
  return { gateway, upstream };
}

/** Every request on a connection of its own, so that the workers take turns. */
const clientOf = ({ gateway }: World): OpenAI =>
  new OpenAI({
    baseURL: gateway.url,
    apiKey: "sk-test-of-workers",
    maxRetries: 0,
    defaultHeaders: { connection: "close" },
  });

async function say(client: OpenAI, session: string, text: string): Promise<Response> {
  const { response } = await client.chat.completions
    .create({ model: "gpt-5", messages: [{ role: "user", content: text }] }, { headers: { "x-session-id": session } })
    .withResponse();
  return response;
}

async function messagesOf(client: OpenAI, session: string): Promise<{ role: string; content: string }[]> {
  const page: { data: { role: string; content: string }[] } = await client.get(
    `/sessions/${session}/messages?limit=100&order=asc`,
  );
  return page.data;
}

async function turnsByWorker({ gateway }: World): Promise<Map<string, number>> {
  const text = await (await fetch(`${gateway.origin}/metrics`)).text();
  const turns = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, worker = "", count] = /^gen_ai_server_request_duration_count\{worker="(\d+)".* (\d+)$/.exec(line) ?? [];
    if (count !== undefined) turns.set(worker, (turns.get(worker) ?? 0) + Number(count));
  }
  return turns;
}

function describeWorkers(name: string, env: () => Readonly<Record<string, string>>): void {
  describe(`two workers over ${name}`, () => {
    it("serve one session in turns as one gateway would, and tell of both in /metrics", async () => {
      const world = await startWorkers(env());
      const client = clientOf(world);
      for (let turn = 1; turn <= TURNS; turn += 1) {
        const response = await say(client, "shared", `Turn ${turn}`);
        expect(response.headers.get("x-session-turn")).toBe(String(turn));
      }
      const turns = await turnsByWorker(world);
      expect([...turns.keys()].toSorted()).toEqual(["1", "2"]);
      expect([...turns.values()].reduce((sum, count) => sum + count, 0)).toBe(TURNS);
      expect(world.gateway.output().match(/listens on/g)).toHaveLength(1);
    });

    it("lose nothing when many clients write to few sessions at once", async () => {
      const world = await startWorkers(env());
      const client = clientOf(world);
      const sessions = ["a", "b", "c"];
      const turns = Array.from({ length: 60 }, (_, index) => ({
        session: sessions[index % 3] ?? "",
        text: `t-${index}`,
      }));
      await Promise.all(turns.map(({ session, text }) => say(client, session, text)));
      for (const session of sessions) {
        const said = (await messagesOf(client, session))
          .filter(({ role }) => role === "user")
          .map(({ content }) => content);
        const expected = turns.filter((turn) => turn.session === session).map(({ text }) => text);
        expect(said.toSorted()).toEqual(expected.toSorted());
      }
    });
  });
}

describeWorkers("SQLite", () => ({}));

describeWithRedis("with a Redis server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());
  describeWorkers("Redis", () => ({ STATEGATE_STORE: server.url, ...masterKeys }));
});

describe("a supervisor", () => {
  it("replaces a worker that was killed, and its sessions go on", async () => {
    const world = await startWorkers();
    const client = clientOf(world);
    await say(client, "kept", "before");
    process.kill(pidsOf(world)[0] ?? Number.NaN, "SIGKILL");
    await expect.poll(() => pidsOf(world), { timeout: 60_000 }).toHaveLength(3);
    for (const turn of [2, 3, 4]) {
      const response = await say(client, "kept", `turn ${turn}`);
      expect(response.headers.get("x-session-turn")).toBe(String(turn));
    }
  });

  it("lets running answers end at SIGTERM, and leaves no process behind", async () => {
    const world = await startWorkers();
    const answer = say(clientOf(world), "draining", "[[delay:1000]] slowly");
    await expect.poll(() => world.upstream.log.length, { timeout: 10_000 }).toBe(1);
    const code = world.gateway.stop();
    expect((await answer).status).toBe(200);
    expect(await code).toBe(0);
    expect(pidsOf(world).filter(isRunning)).toEqual([]);
  });

  it("takes its workers with it when it is killed itself", async () => {
    const world = await startWorkers();
    await world.gateway.kill();
    await expect.poll(() => pidsOf(world).filter(isRunning), { timeout: 20_000 }).toEqual([]);
  });

  it("says once why no worker can start, and ends", async () => {
    const started = startWorkers({ STATEGATE_STORE: "redis://127.0.0.1:1", ...masterKeys });
    await expect(started).rejects.toThrow(/ended with 1 .*stategate cannot start: (?!.*cannot start)/s);
  });
});

/** Of every worker that was ever started. */
function pidsOf({ gateway }: World): number[] {
  return [...gateway.output().matchAll(/"workerPid":(\d+),.*"msg":"worker_started"/g)].map(([, pid]) => Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
