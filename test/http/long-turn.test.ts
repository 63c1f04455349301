import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import type { TurnPorts } from "../../src/turn/turn-ports.ts";
import { ask, freshSession, onSession, sendChat } from "../support/http-calls.ts";
import { countLoopTurns, type LoopTurns } from "../support/loop-turns.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const steps = vi.hoisted(() => ({ note: (_step: string): void => undefined }));
vi.mock("../../src/turn/turn-ring.ts", async (original) => {
  const real = await original<typeof import("../../src/turn/turn-ring.ts")>();
  return { ...real, createTurnRing: (ports: TurnPorts) => real.createTurnRing(noting(ports)) };
});

/** The same ports, which say when they are called. */
function noting(ports: TurnPorts): TurnPorts {
  const { upstream, sessions, meter, redactor } = ports;
  return {
    ...ports,
    meter: {
      ...meter,
      stage(name, ms) {
        if (name === "plan") steps.note("planned");
        meter.stage(name, ms);
      },
    },
    upstream: { ...upstream, send: (...given) => (steps.note("ask"), upstream.send(...given)) },
    sessions: { ...sessions, commit: (commit) => (steps.note("commit"), sessions.commit(commit)) },
    redactor: redactor && {
      ...redactor,
      redact: (...given) => (steps.note("redact"), redactor.redact(...given)),
    },
  };
}

let gateway: TestGateway;
let turns: LoopTurns;
beforeAll(async () => {
  gateway = await startTestGateway({});
  turns = countLoopTurns();
});
afterAll(() => {
  turns.stop();
  return gateway.close();
});

/** What is done for a request, in order, and in which turn of the event loop. */
async function stepsOf(content: string): Promise<{ names: readonly string[]; turns: readonly number[] }> {
  const noted: [string, number][] = [];
  steps.note = (step) => void noted.push([step, turns.now()]);
  const { status } = await sendChat(gateway, ask(content), { headers: onSession(freshSession()) });
  expect(status).toBe(200);
  return { names: noted.map(([name]) => name), turns: noted.map(([, turn]) => turn) };
}

const done = ["planned", "ask", "redact", "redact", "commit"];

describe("a turn", () => {
  it("that is long is planned, asked, redacted and stored each in a turn of the event loop of its own", async () => {
    const { names, turns: begun } = await stepsOf("It rained. ".repeat(50_000));
    expect(names).toEqual(done);
    expect(new Set(begun).size).toBe(done.length);
  });

  it("that is short waits for nothing but the model", async () => {
    const { names, turns: begun } = await stepsOf("It rained.");
    expect(names).toEqual(done);
    expect(new Set(begun).size).toBe(2);
  });
});
