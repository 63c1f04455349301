/** G6: nothing that a client sends can write a line into a log, or stand in one. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, said, send } from "../support/fault-client.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { inCiOrProving } from "../support/prove.ts";
import { openRawConnection } from "../support/raw-connection.ts";

const PAYLOADS = inCiOrProving(200, 1_000);
const MARK = "forged-by-a-client";
const KEY = "sk-injecting-user";

const forgedLines = [
  `{"level":60,"msg":"${MARK}"}`,
  `{"v":1,"chain":"${"a".repeat(32)}","sequence":0,"event":"sys_startup","previous":"${MARK}"}`,
  `my-chat #7 replay: sent 1 of 1 tokens, ${MARK}`,
  MARK,
];
const breaks = [
  "\n",
  "\r\n",
  "\r",
  "\u000b",
  "\u0085",
  "\u2028",
  "\u2029",
  "\u0000",
  "\u001b[2J\u001b[1;1H",
  "\u001b]0;title\u0007",
  "\u009b31m",
  "\b\b\b",
  '"}\n',
  "\\n",
  "%0d%0a",
  "\u202e",
];

const payloads: readonly string[] = Array.from({ length: PAYLOADS }, (_, index) => {
  const br = breaks[index % breaks.length] ?? "\n";
  const line = forgedLines[Math.floor(index / breaks.length) % forgedLines.length] ?? MARK;
  return `${index}${br}${line}${br}`;
});

describe("a client that would write into the logs", () => {
  let upstream: SimulatedUpstream;
  let gateway: GatewayProcess;
  beforeAll(async () => {
    upstream = await startSimulatedUpstream();
    gateway = await startGatewayProcess({
      STATEGATE_STORE: "memory:",
      STATEGATE_UPSTREAM_URL: upstream.url,
      STATEGATE_LOG__LEVEL: "trace",
      STATEGATE_TELEMETRY__TURN_LINE: "on",
      STATEGATE_AUDIT__FORWARD: "stdout",
      STATEGATE_IDENTITY__USER_FROM_BODY: "true",
      STATEGATE_IDENTITY__SESSION_ID_FROM: "metadata.session_id,prompt_cache_key",
    });
  });
  afterAll(async () => {
    await gateway.kill();
    await upstream.close();
  });

  const authorization = `Bearer ${KEY}`;
  const json = { authorization, "content-type": "application/json" };

  /** Everything that a body, a path or a query can carry; headers take what Node's client lets through. */
  async function attack(payload: string, index: number): Promise<void> {
    const fields = {
      model: payload,
      user: payload,
      metadata: { [payload]: payload, session_id: payload },
      [payload]: payload,
    };
    await ask(gateway.url, { key: KEY, session: `session-${index % 20}`, messages: [said(payload)], fields });
    await ask(gateway.url, { key: KEY, messages: [said("[[len:1]]")], fields: { prompt_cache_key: payload } });
    const body = JSON.stringify({ id: `made-${index}`, title: payload });
    await send(`${gateway.url}/sessions`, { method: "POST", headers: json, body });
    await send(`${gateway.url}/sessions/${encodeURIComponent(payload)}`, { headers: json });
    await send(`${gateway.url}/sessions?after=${encodeURIComponent(payload)}`, { headers: json });
    const header = Buffer.from(payload.replaceAll(/[\u0000-\u0008\u000a-\u001f\u007f]/g, " ")).toString("latin1");
    const headers = { "user-agent": header, "x-request-id": header, "x-user-id": header, "idempotency-key": header };
    await ask(gateway.url, { key: KEY, session: "by-header", messages: [said("[[len:1]]")], headers });
  }

  /** Line breaks and control characters in headers, as no client library sends them. */
  async function attackRaw(payload: string): Promise<void> {
    const connection = await openRawConnection(gateway.origin);
    connection.write(
      `GET /v1/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nX-Session-Id: ${payload}\r\nUser-Agent: ${payload}\r\nConnection: close\r\n\r\n`,
    );
    await connection.closed;
  }

  it(`writes no line, with ${PAYLOADS} payloads in every place`, { timeout: 600_000 }, async () => {
    for (const [index, payload] of payloads.entries()) {
      // The last third meets an upstream that is gone: then there is something to log.
      if (index === Math.floor((PAYLOADS * 2) / 3)) await upstream.close();
      await attack(payload, index);
      await attackRaw(payload);
    }
    await gateway.stop();
    const lines = gateway.output().trimEnd().split("\n");
    const [start, ...rest] = lines.toSpliced(1, 1);
    expect(start).toMatch(/^stategate listens on /);
    const kinds = { log: 0, audit: 0, turn: 0, other: [] as string[] };
    for (const line of rest) {
      if (/^\{"level":\d+,.*\}$/.test(line)) kinds.log += 1;
      else if (/^\{"v":1,"chain":"[0-9a-f]{32}",.*\}$/.test(line)) kinds.audit += 1;
      else if (/^[\x21-\x7e]+…? #\d+ \w+: sent [\d,]+ of [\d,]+ tokens, .* ms$/.test(line)) kinds.turn += 1;
      else kinds.other.push(line);
    }
    process.stdout.write(
      `log injection: ${PAYLOADS} payloads, ${kinds.log} log lines, ${kinds.audit} audit lines, ${kinds.turn} turn lines, ${kinds.other.length} others\n`,
    );
    expect(kinds.other).toEqual([]);
    expect(kinds.log).toBeGreaterThan(PAYLOADS / 3);
    expect(kinds.turn).toBeGreaterThan(PAYLOADS / 3);
    const json = rest.filter((line) => line.startsWith("{"));
    for (const line of json) expect(() => JSON.parse(line) as unknown).not.toThrow();
    // One entry, one line: the chain counts them.
    const sequences = json.flatMap((line) => (line.startsWith('{"v":1') ? [parseSequence(line)] : []));
    expect(sequences).toEqual(sequences.map((_, index) => index));
    // A session's name stands on the operator's own terminal, where it is visible ASCII; nowhere else.
    expect(json.join("\n")).not.toMatch(/forged|made-\d|session-\d|by-header|sk-injecting/);
    expect(json.filter((line) => /[^\x20-\x7e]/.test(line))).toEqual([]);
  });
});

const parseSequence = (line: string): number => (JSON.parse(line) as { sequence: number }).sequence;
