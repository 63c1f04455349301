/** A whole gateway over a cluster of three nodes, as its clients see it. */
import { APIError } from "openai";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";

import { send, transcript } from "../../support/fault-client.ts";
import { type ClusterNode, nodeOutages, type RedisCluster, startRedisCluster } from "../../support/redis-cluster.ts";
import { describeWithRedis } from "../../support/redis-server.ts";
import { startTestGateway, type TestGateway } from "../../support/test-gateway.ts";
import { masterKeys } from "../../support/test-master-keys.ts";

/** So many that no node goes without. */
const SPREAD = 40;
const ROUNDS = 10;
/** As many as open a circuit, asked at once. */
const AT_LEAST = 5;

interface Place {
  readonly key: string;
  readonly session: string;
  readonly node: ClusterNode;
  /** Where the index of its user is. */
  readonly indexNode: ClusterNode;
}

describeWithRedis("a gateway over a Redis cluster", () => {
  let cluster: RedisCluster;
  let gateway: TestGateway;
  let circuits: unknown[];
  beforeAll(async () => {
    cluster = await startRedisCluster({ appendOnly: true });
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    await cluster.settle();
    circuits = [];
    const record = ({ partition }: Readonly<Record<string, unknown>>, event: string): void => {
      if (event.startsWith("store_circuit")) circuits.push([event, partition]);
    };
    gateway = await startTestGateway({
      env: { STATEGATE_STORE: cluster.url, STATEGATE_STORE__TIMEOUT_MS: "1000", ...masterKeys },
      log: { info: record, warn: record, error: record },
    });
  });
  afterEach(() => gateway.close());

  let users = 0;
  const newKey = (): string => `sk-cluster-user-${++users}`;
  /** Resolves to the answer's text. */
  const ask = async (caller: { key: string; session: string }, content: string, stream = false): Promise<string> => {
    const { completions } = gateway.client(caller.key).chat;
    const messages = [{ role: "user" as const, content: `${content} [[len:2]]` }];
    const options = { headers: { "x-session-id": caller.session, "x-history-strategy": "full" } };
    if (!stream) {
      const answer = await completions.create({ model: "gpt-5", messages }, options);
      return answer.choices[0]?.message.content ?? "";
    }
    let text = "";
    const chunks = await completions.create({ model: "gpt-5", messages, stream }, options);
    for await (const { choices } of chunks) text += choices[0]?.delta.content ?? "";
    return text;
  };
  const told = (...contents: readonly string[]): string[] =>
    contents.flatMap((content) => [`user: ${content} [[len:2]]`, "assistant: word0 word1"]);
  const storedOf = ({ key, session }: { key: string; session: string }): Promise<string[]> =>
    transcript(gateway.url, session, { key });
  const namesOn = ({ raw }: ClusterNode, kind: string): Promise<string[]> => raw.keys(`stategate:${kind}:*`);
  const countEach = (kind: string): Promise<number[]> =>
    Promise.all(cluster.nodes.map(async (node) => (await namesOn(node, kind)).length));

  it("remembers sessions on every node, streamed or not, over a restart", async () => {
    const callers = Array.from({ length: SPREAD }, () => ({ key: newKey(), session: "mine" }));
    for (const content of ["one", "two"]) {
      const texts = await Promise.all(callers.map((caller, index) => ask(caller, content, index % 2 === 0)));
      expect(new Set(texts)).toEqual(new Set(["word0 word1"]));
    }
    expect(Math.min(...(await countEach("session")))).toBeGreaterThan(0);
    await gateway.restart();
    for (const [index, caller] of callers.entries()) {
      await ask(caller, "three", index % 2 === 1);
      const { messages } = gateway.upstream.log.at(-1)?.body as { messages: { role: string; content: string }[] };
      expect(messages.map(({ role, content }) => `${role}: ${content}`)).toEqual(
        told("one", "two", "three").slice(0, -1),
      );
      expect(await storedOf(caller)).toEqual(told("one", "two", "three"));
    }
  });

  it("erases a user whose sessions are on every node, and nobody else", async () => {
    const [key, other] = [newKey(), { key: newKey(), session: "others" }];
    await ask(other, "stay");
    const before = await countEach("session");
    const sessions = Array.from({ length: SPREAD }, (_, index) => ({ key, session: `s-${index}` }));
    await Promise.all(sessions.map((caller) => ask(caller, "go")));
    const own = (await countEach("session")).map((count, index) => count - (before[index] ?? 0));
    expect(Math.min(...own)).toBeGreaterThan(0);
    const headers = { authorization: `Bearer ${key}` };
    const erased = await send(`${gateway.url}/me`, { method: "DELETE", headers });
    expect([erased.status, JSON.parse(erased.body)]).toMatchObject([
      200,
      { receipt: { counts: { data_keys: 1, sessions: sessions.length } } },
    ]);
    expect(await countEach("session")).toEqual(before);
    expect(JSON.parse((await send(`${gateway.url}/sessions`, { headers })).body)).toMatchObject({ data: [] });
    expect(await storedOf(other)).toEqual(told("stay"));
  });

  it.each(nodeOutages)(
    "when a node $what, sessions on the others are served all the while",
    async ({ what, leave, comeBack }) => {
      // The node that has the users' keys would take more along than its sessions.
      const withKeys = await cluster.ownerOf(await cluster.slotOf("stategate:record-names:{records}"));
      const victim = cluster.nodes.find((node) => node !== withKeys) ?? withKeys;
      const { there, elsewhere } = await placeSessions(victim);
      await leave(victim);
      let served = 0;
      const contents = Array.from({ length: ROUNDS }, (_, round) => `${what} ${round}`);
      for (const [round, content] of contents.entries()) {
        const isStreamed = round % 2 === 0;
        const asked = there.map((place) =>
          ask(place, `refused ${content}`, isStreamed).catch((error: unknown) => error),
        );
        for (const error of await Promise.all(asked)) {
          expect(error).toBeInstanceOf(APIError);
          expect(error).toMatchObject({ status: 503, code: "store_unavailable" });
        }
        for (const place of elsewhere) {
          expect(await ask(place, content, isStreamed)).toBe("word0 word1");
          served += 1;
        }
      }
      expect(served).toBe(ROUNDS * elsewhere.length);
      expect(gateway.upstream.log.filter(({ bytes }) => bytes.includes(`refused ${what}`))).toEqual([]);
      const name = `127.0.0.1:${victim.server.port}`;
      expect(circuits).toContainEqual(["store_circuit_opened", name]);
      expect(circuits.filter((line) => !String(line).endsWith(name))).toEqual([]);
      process.stdout.write(
        `a cluster's node ${what}: ${served} turns on the others, 0 failed; ${ROUNDS * there.length} on it refused, no model asked\n`,
      );

      await comeBack(victim);
      for (const place of there) {
        await expect.poll(() => ask(place, "back").catch(String), { timeout: 15_000 }).toBe("word0 word1");
        expect(await storedOf(place)).toEqual(told("begin", "back"));
      }
      for (const place of elsewhere) expect(await storedOf(place)).toEqual(told("begin", ...contents));
    },
  );

  /** Begins sessions, each of another user, until enough are on the node and enough have nothing on it. */
  async function placeSessions(victim: ClusterNode): Promise<{ there: Place[]; elsewhere: Place[] }> {
    const places: Place[] = [];
    const there = (): Place[] => places.filter(({ node }) => node === victim);
    const elsewhere = (): Place[] => places.filter(({ node, indexNode }) => node !== victim && indexNode !== victim);
    while (there().length < AT_LEAST || elsewhere().length < AT_LEAST) {
      const caller = { key: newKey(), session: "placed" };
      const counts = [await countEach("session"), await countEach("owner")];
      await ask(caller, "begin");
      const [node, indexNode] = [await countEach("session"), await countEach("owner")].map((after, kind) => {
        return cluster.nodes.find((_, index) => (after[index] ?? 0) > (counts[kind]?.[index] ?? 0));
      });
      if (!node || !indexNode) throw new Error("no session was written");
      places.push({ ...caller, node, indexNode });
    }
    return { there: there(), elsewhere: elsewhere() };
  }
});
