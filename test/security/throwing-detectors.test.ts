/** Promise P5: whichever look of whichever detector fails, nothing of the turn is stored, and its answer arrives. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import type { Detector } from "../../src/redaction/detectors/detector.ts";
import { ask, said, textOf, transcript } from "../support/fault-client.ts";
import { inCiOrProving } from "../support/prove.ts";
import { findInClear, readFolder } from "../support/resting-bytes.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const looks = vi.hoisted(() => ({ made: 0, failing: -1 }));

vi.mock("../../src/redaction/built-in-detectors.ts", async (original) => {
  const real = await original<typeof import("../../src/redaction/built-in-detectors.ts")>();
  const faulty = (detector: Detector): Detector => ({
    ...detector,
    scan(text, pass) {
      if (looks.made++ === looks.failing) throw new TypeError(`cannot read ${text}`);
      return detector.scan(text, pass);
    },
  });
  return { BUILT_IN_DETECTORS: real.BUILT_IN_DETECTORS.map(faulty) };
});

const CANARY = "canary.of.p5@example.com";
const LONG = `${CANARY} 4111 1111 1111 1111 ${"and so it goes, 12 of 34; ".repeat(inCiOrProving(40, 400))}`;
const MESSAGES = [said(`${LONG} [[len:2]]`)];
const FLAG = "x-session-degraded";

let gateway: TestGateway;
let sessions = 0;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());
const newSession = (): string => `p5-${++sessions}`;

async function turnFailingAt(look: number, stream: boolean): Promise<{ session: string; looksMade: number }> {
  const session = newSession();
  Object.assign(looks, { made: 0, failing: look });
  const answer = await ask(gateway.url, { session, stream, messages: MESSAGES });
  Object.assign(looks, { failing: -1 });
  expect({ status: answer.status, text: textOf(answer) }).toEqual({ status: 200, text: "word0 word1" });
  const flag = look < 0 ? undefined : "redaction_failed";
  if (stream) expect(answer.comments).toEqual(flag === undefined ? [] : [`${FLAG}: ${flag}`]);
  else expect(answer.headers[FLAG]).toBe(flag);
  return { session, looksMade: looks.made };
}

describe.each([
  ["JSON", false],
  ["SSE", true],
] as const)("%s: a detector that throws", (_, stream) => {
  it("at every look in turn stores nothing, delivers the answer, and says so", async () => {
    const { session, looksMade } = await turnFailingAt(-1, stream);
    expect(await transcript(gateway.url, session)).toHaveLength(2);
    expect(looksMade).toBeGreaterThan(10);
    for (let look = 0; look < looksMade; look++) {
      const failed = await turnFailingAt(look, stream);
      expect(await transcript(gateway.url, failed.session)).toEqual([]);
    }
    process.stdout.write(`P5 ${stream ? "SSE" : "JSON"}: ${looksMade} failing looks, 0 turns stored\n`);
    expect(findInClear(await readFolder(gateway.folder), [CANARY])).toEqual([]);
  });
});

it("keeps what was stored before", async () => {
  const session = newSession();
  await ask(gateway.url, { session, messages: [said("hello [[len:1]]")] });
  Object.assign(looks, { made: 0, failing: 1 });
  await ask(gateway.url, { session, messages: MESSAGES });
  Object.assign(looks, { failing: -1 });
  expect(await transcript(gateway.url, session)).toEqual(["user: hello [[len:1]]", "assistant: word0"]);
});
