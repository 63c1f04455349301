/** S2, S3: a stranger learns nothing from an answer, not even whether there is something to learn; nobody guesses an id. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { mintSessionId } from "../../src/session/session-id.ts";
import { ask, onSession, send, sendChat, type WireAnswer } from "../support/http-calls.ts";
import { inCiOrProving } from "../support/prove.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const PAIRS = inCiOrProving(150, 1_000);
const IDS = inCiOrProving(100_000, 1_000_000);
/** Of a chi-squared distribution with 255 degrees of freedom, exceeded by chance once in a million. */
const CHI_SQUARED_BOUND = 377;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

const comparable = ({ status, text, headers }: WireAnswer) => ({
  status,
  text,
  headers: Object.fromEntries([...headers].filter(([name]) => name !== "date")),
});
const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

const calls = [
  ["GET", ""],
  ["GET", "/messages"],
  ["POST", ""],
  ["POST", "/rotate"],
  ["DELETE", ""],
] as const;

describe("a session of somebody else", () => {
  it(`answers as one that never was, to the byte, in ${PAIRS} pairs`, { timeout: 300_000 }, async () => {
    const headers = { "x-request-id": "same" };
    const times: Record<"foreign" | "unknown", number[]> = { foreign: [], unknown: [] };
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const session = `secret-${pair}`;
      await sendChat(gateway, ask("[[len:1]]"), { key: "sk-owner", headers: onSession(session) });
      const [method, path] = calls[pair % calls.length] ?? calls[0];
      const call = async (id: string, kind: "foreign" | "unknown"): Promise<WireAnswer> => {
        const startedAt = performance.now();
        const answer = await send(gateway, `/sessions/${id}${path}`, { method, key: "sk-stranger", headers });
        times[kind].push(performance.now() - startedAt);
        return answer;
      };
      // In turn, so that neither kind always comes first to a warm cache.
      const first = pair % 2 === 0;
      const one = await call(first ? session : `unheard-${pair}`, first ? "foreign" : "unknown");
      const other = await call(first ? `unheard-${pair}` : session, first ? "unknown" : "foreign");
      expect(one.status).toBe(404);
      expect(comparable(one)).toEqual(comparable(other));
    }
    const [foreign, unknown] = [median(times.foreign), median(times.unknown)];
    process.stdout.write(
      `foreign and unknown: ${PAIRS} pairs alike; median ${foreign.toFixed(3)} and ${unknown.toFixed(3)} ms\n`,
    );
  });
});

describe("a minted id", () => {
  it(`is one of 2^256: ${IDS} of them, none twice, every byte as likely as another`, { timeout: 120_000 }, () => {
    const counts = new Uint32Array(256);
    const seen = new Set<string>();
    for (let count = 0; count < IDS; count += 1) {
      const id = mintSessionId("token");
      expect(id.length).toBe(43);
      seen.add(id);
      for (const byte of Buffer.from(id, "base64url")) counts[byte] = (counts[byte] ?? 0) + 1;
    }
    const expected = (IDS * 32) / 256;
    const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    process.stdout.write(`minted ids: ${IDS}, ${IDS - seen.size} repeated, chi² ${chiSquared.toFixed(0)} of 255\n`);
    expect(seen.size).toBe(IDS);
    expect(chiSquared).toBeLessThan(CHI_SQUARED_BOUND);
  });
});
