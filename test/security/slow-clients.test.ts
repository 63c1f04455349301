/** R14: clients that send a byte now and then, to keep what they hold. They are cut off, and nobody else notices. */
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { ask, onSession, sendChat, USER_KEY } from "../support/http-calls.ts";
import { inCiOrProving } from "../support/prove.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const ATTACKERS = inCiOrProving(100, 1_000);
const HONEST = inCiOrProving(60, 300);
const DRIP_MS = 100;

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway({
    env: {
      STATEGATE_STORE: "memory:",
      STATEGATE_HTTP__HEADERS_TIMEOUT_MS: "1500",
      STATEGATE_HTTP__REQUEST_TIMEOUT_MS: "2500",
    },
  });
});
afterEach(() => gateway.close());

const START = `POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${USER_KEY}\r\n`;

/** Opens a connection, sends `first` and then one byte of `drip` after another until it is closed. */
function attack(first: string, drip: string): Promise<void> {
  const { hostname, port } = new URL(gateway.origin);
  const socket: Socket = connect(Number(port), hostname);
  return new Promise((resolve) => {
    let at = 0;
    const timer = setInterval(() => socket.write(drip.charAt(at++ % drip.length)), DRIP_MS);
    socket.on("error", () => undefined);
    socket.on("data", () => undefined);
    socket.on("close", () => {
      clearInterval(timer);
      resolve();
    });
    socket.write(first);
  });
}

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((one, other) => one - other)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;

let session = 0;
async function honestTimes(): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < HONEST; count += 1) {
    const startedAt = performance.now();
    const { status } = await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(`honest-${(session += 1)}`) });
    times.push(performance.now() - startedAt);
    expect(status).toBe(200);
    await pause(5);
  }
  return times;
}

describe(`${ATTACKERS} clients that never finish`, () => {
  it.each([
    ["their headers", START, "X: y\r\n"],
    ["a body of stated length", `${START}Content-Length: 1000000\r\n\r\n{`, " "],
    ["a chunked body", `${START}Transfer-Encoding: chunked\r\n\r\n`, "1\r\n \r\n"],
    ["their first line", "G", "E"],
  ])("%s are cut off, while others are served", { timeout: 120_000 }, async (what, first, drip) => {
    const before = await honestTimes();
    const attackers = Array.from({ length: ATTACKERS }, () => attack(first, drip));
    const during = await honestTimes();
    await Promise.all(attackers);
    process.stdout.write(
      `slow clients, ${what}: ${ATTACKERS} cut off; honest p99 ${percentile(before, 0.99).toFixed(1)} ms before, ` +
        `${percentile(during, 0.99).toFixed(1)} ms during\n`,
    );
    expect(gateway.upstream.log).toHaveLength(2 * HONEST);
  });
});
