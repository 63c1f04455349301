/** Promise 2: nothing is ever stored in clear. A thousand planted values, and every name and text besides, looked for in every byte left behind. */
import { connect } from "node:net";
import { join } from "node:path";
import { text as readText } from "node:stream/consumers";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, callerHeaders, type Message, said, send } from "../support/fault-client.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { type OtlpCollector, startOtlpCollector } from "../support/otlp-collector.ts";
import { type PlantedValue, plantValues } from "../support/planted-values.ts";
import { describeWithPostgres, queryOnce, startPostgresServer } from "../support/postgres-server.ts";
import { describeWithRedis, startRedisServer } from "../support/redis-server.ts";
import { findInClear, readFolder, type RestingBytes } from "../support/resting-bytes.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const VALUES = 1_000;
const VALUES_PER_SESSION = 25;
/** All but those in the title, in a system message and in requests that were refused. */
const STORED_VALUES_PER_SESSION = VALUES_PER_SESSION - 4;
const TALKING_AT_ONCE = 10;
const ORDINARY = "ordinary-words-of-a-conversation-nobody-else-needs-to-read";

let upstream: SimulatedUpstream;
let collector: OtlpCollector;
let folder: TempFolder;
beforeEach(async () => {
  upstream = await startSimulatedUpstream();
  collector = await startOtlpCollector();
  folder = await createTempFolder();
});
afterEach(async () => {
  await upstream.close();
  await collector.close();
  await folder.remove();
});

const startTalkative = (env: Readonly<Record<string, string>>): Promise<GatewayProcess> =>
  startGatewayProcess({
    STATEGATE_UPSTREAM_URL: upstream.url,
    STATEGATE_LOG__LEVEL: "trace",
    // Epochs end early, so that summaries and digests are written too.
    STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
    STATEGATE_HISTORY__FLOOR_TOKENS: "0",
    STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "200",
    STATEGATE_STORE__TIMEOUT_MS: "10000",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    ...env,
  });

/** Who talks: all three names are to be found nowhere. */
interface Caller {
  readonly session: string;
  readonly user: string;
  readonly key: string;
}

const callerOf = (index: number): Caller => ({
  session: `session-named-${index}-zanzibar`,
  user: `user-named-${index}-quetzalcoatl`,
  key: `sk-secret-of-${index}-xylophone`,
});

/** Every position in which a message can hold text, each with a value of its own. */
const messagesWith = (sentences: readonly string[]): Message[] => {
  const [system, name, part, call, result, last] = sentences.map((sentence) => `${ORDINARY} ${sentence}`);
  return [
    { role: "system", content: system },
    { role: "user", content: [{ type: "text", text: part }], name: name ?? "" },
    {
      role: "assistant",
      content: null,
      tool_calls: [
        {
          id: "call_1",
          type: "function",
          function: { name: "look_up", arguments: JSON.stringify({ query: call, nested: [call] }) },
        },
      ],
    },
    { role: "tool", tool_call_id: "call_1", content: JSON.stringify({ found: result }) },
    said(last ?? ""),
  ];
};

async function talk(url: string, caller: Caller, planted: readonly PlantedValue[]): Promise<void> {
  const sentences = planted.map(({ sentence }) => sentence);
  const headers = { "content-type": "application/json", ...callerHeaders(caller) };
  const title = JSON.stringify({ id: caller.session, title: `${ORDINARY} ${sentences[0]}` });
  await send(`${url}/sessions`, { method: "POST", headers, body: title });
  const answers = [
    await ask(url, { ...caller, messages: messagesWith(sentences.slice(1, 7)) }),
    await ask(url, { ...caller, stream: true, messages: [said(`${ORDINARY} ${sentences[7]} [[echo]]`)] }),
    await ask(url, {
      ...caller,
      messages: [said(`${sentences[8]} ${ORDINARY.repeat(20)}`)],
      headers: { "idempotency-key": "once" },
    }),
  ];
  // As a streaming client in delta mode that says something long on each turn, until summaries are due.
  for (const sentence of sentences.slice(9, -4)) {
    answers.push(await ask(url, { ...caller, stream: true, messages: [said(`${sentence}\n${ORDINARY.repeat(20)}`)] }));
  }
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  await goWrong(url, caller, sentences.slice(-4));
}

/** What fails is described in logs, and must be described without what was said. */
async function goWrong(url: string, caller: Caller, sentences: readonly string[]): Promise<void> {
  const [broken, refused, cut, left] = sentences.map((sentence) => `${ORDINARY} ${sentence}`);
  const headers = { "content-type": "application/json", ...callerHeaders(caller) };
  await send(`${url}/chat/completions`, { method: "POST", headers, body: `{"model": "gpt-5", "messages": "${broken}` });
  await ask(url, { ...caller, messages: [said(`${refused} [[error:500]]`)], headers: { "x-history-mode": ORDINARY } });
  await ask(url, { ...caller, messages: [said(`${refused} [[error:500]]`)] });
  await ask(url, { ...caller, messages: [said(`${refused} [[drop]]`)] });
  await ask(url, {
    ...caller,
    stream: true,
    messages: [said(`${cut} [[cut:5]]`)],
  });
  await ask(url, {
    ...caller,
    stream: true,
    messages: [said(`${left} [[slow:5]]`)],
    leaveAt: (_event, count) => count === 8,
  });
}

interface Told {
  readonly planted: readonly PlantedValue[];
  readonly callers: readonly Caller[];
}

async function tellEverything(url: string): Promise<Told> {
  const planted = plantValues(VALUES);
  const callers = Array.from({ length: VALUES / VALUES_PER_SESSION }, (_, index) => callerOf(index));
  const share = (index: number) => planted.slice(index * VALUES_PER_SESSION, (index + 1) * VALUES_PER_SESSION);
  for (let index = 0; index < callers.length; index += TALKING_AT_ONCE) {
    await Promise.all(
      callers.slice(index, index + TALKING_AT_ONCE).map((caller, offset) => talk(url, caller, share(index + offset))),
    );
  }
  return { planted, callers };
}

/** What a user reads back of a session: what redaction alone left of it. */
async function readBack(url: string, caller: Caller): Promise<string> {
  const read = (path: string) => send(`${url}/sessions${path}`, { headers: callerHeaders(caller) });
  const { body: messages } = await read(`/${caller.session}/messages?limit=100`);
  return messages;
}

async function expectNothingInClear(bytes: RestingBytes, { planted, callers }: Told, where: string): Promise<void> {
  const names = callers.flatMap(({ session, user, key }) => [session, user, key]);
  const found = findInClear(bytes, [...planted.map(({ value }) => value), ...names, ORDINARY, "zanzibar", "xylophone"]);
  const size = [...bytes.values()].reduce((sum, { length }) => sum + length, 0);
  process.stdout.write(
    `${where}: ${planted.length} values and ${names.length} names looked for in ${bytes.size} places, ${size} bytes: ${found.length} found\n`,
  );
  expect(found).toEqual([]);
}

/** Stops the gateway, so that its last metrics leave, and gathers what it said and sent. */
async function outsideBytes(gateway: GatewayProcess, metrics: string): Promise<RestingBytes> {
  expect(await gateway.stop()).toBe(0);
  expect(collector.payloads.length).toBeGreaterThan(0);
  expect(Buffer.concat(collector.payloads).includes("stategate.redactions")).toBe(true);
  expect(metrics).toContain("stategate_redactions_total");
  expect(gateway.output()).toContain('"code":"upstream');
  return new Map([
    ["log", Buffer.from(gateway.output())],
    ["/metrics", Buffer.from(metrics)],
    ["OTLP", Buffer.concat(collector.payloads)],
  ]);
}

const summaryCount = (): number =>
  upstream.log.filter(({ body }) => JSON.stringify(body)?.includes("running summary of a conversation")).length;

async function expectRedactedToo(url: string, { planted, callers }: Told): Promise<void> {
  const all = (await Promise.all(callers.map((caller) => readBack(url, caller)))).join("\n");
  const placeholders = new Set(all.match(/\[(?:EMAIL|PHONE|SSN|CARD|IBAN|IP|SECRET)_[0-9a-f]{8}\]/g));
  expect(placeholders.size).toBeGreaterThanOrEqual(callers.length * STORED_VALUES_PER_SESSION);
  const left = planted.filter(({ value }) => all.includes(value));
  process.stdout.write(`redaction alone: ${left.length} of ${planted.length} values are left in what is stored\n`);
  expect(left).toEqual([]);
}

describe("what rests", () => {
  it("in SQLite, its log, its index, the process's log, its metrics and their export", async () => {
    const path = join(folder.path, "stategate.db");
    const env = { STATEGATE_STORE: `sqlite:${path}`, STATEGATE_KEYS__DEVELOPMENT_KEY_FILE: join(folder.path, "key") };
    const gateway = await startTalkative(env);
    const told = await tellEverything(gateway.url);
    expect(summaryCount()).toBeGreaterThan(10);
    const running = await readFolder(folder.path);
    expect([...running.keys()]).toEqual(
      expect.arrayContaining(["stategate.db", "stategate.db-wal", "stategate.db-shm"]),
    );
    await expectNothingInClear(running, told, "SQLite, running");
    await expectRedactedToo(gateway.url, told);
    const { body: metrics } = await send(`${gateway.origin}/metrics`, {});
    await expectNothingInClear(await outsideBytes(gateway, metrics), told, "log, metrics, OTLP");
    await expectNothingInClear(await readFolder(folder.path), told, "SQLite, closed");
  });

  it("is found where it does rest: the search is not blind", async () => {
    const [planted] = plantValues(1);
    const value = planted?.value ?? "";
    const bytes = new Map([["file", Buffer.from(`\u0000\u0001${value}\u0002`)]]);
    expect(findInClear(bytes, [value])).toEqual([`file: ${value}`]);
  });
});

describeWithRedis("what rests", () => {
  it("in Redis: the append-only file and a dump", async () => {
    const settings = ["--dir", folder.path, "--rdbcompression", "no"];
    const redis = await startRedisServer({ appendOnly: true, settings });
    try {
      const gateway = await startTalkative({ STATEGATE_STORE: redis.url, ...masterKeys });
      const told = await tellEverything(gateway.url);
      await saveDump(redis.port);
      const files = await readFolder(folder.path);
      expect([...files.keys()].some((name) => name.endsWith("dump.rdb"))).toBe(true);
      expect([...files.keys()].some((name) => name.endsWith(".incr.aof"))).toBe(true);
      await expectNothingInClear(files, told, "Redis");
      await expectRedactedToo(gateway.url, told);
      const { body: metrics } = await send(`${gateway.origin}/metrics`, {});
      await expectNothingInClear(await outsideBytes(gateway, metrics), told, "log, metrics, OTLP");
    } finally {
      await redis.stop();
    }
  });
});

describeWithPostgres("what rests", () => {
  it("in PostgreSQL: its tables and its write-ahead log", async () => {
    const postgres = await startPostgresServer();
    try {
      const address = await postgres.createDatabase();
      const gateway = await startTalkative({ STATEGATE_STORE: address, ...masterKeys });
      const told = await tellEverything(gateway.url);
      await queryOnce(address, "CHECKPOINT");
      // Below that number are the server's own tables, which every database has alike.
      const isWritten = (name: string): boolean =>
        name.startsWith("pg_wal/") || Number(/^base\/\d+\/(\d+)/.exec(name)?.[1]) >= 16_384;
      const files = [...(await readFolder(postgres.folder))].filter(([name]) => isWritten(name));
      expect(files.filter(([name]) => name.startsWith("base/")).length).toBeGreaterThan(10);
      expect(files.some(([name]) => name.startsWith("pg_wal/"))).toBe(true);
      await expectNothingInClear(new Map(files), told, "PostgreSQL");
      await expectRedactedToo(gateway.url, told);
      expect(await gateway.stop()).toBe(0);
    } finally {
      await postgres.stop();
    }
  });
});

async function saveDump(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.end("SAVE\r\nQUIT\r\n");
  expect(await readText(socket)).toContain("+OK");
}
