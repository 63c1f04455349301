/** A commit whose answer is lost is repeated. By then another replica may have gone on with the session. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";

import { ask, errorCodes, said, transcript } from "../support/fault-client.ts";
import { faults, mendAll } from "../support/fault-parts.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

vi.mock("../../src/store/open-store.ts", async (original) => {
  const real = await original<typeof import("../../src/store/open-store.ts")>();
  const { breakableStore } = await import("../support/fault-parts.ts");
  return { ...real, openStore: breakableStore(real.openStore) };
});

let gateway: TestGateway;
let other: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
  other = await startTestGateway({ folder: gateway.folder, upstream: gateway.upstream });
});
afterEach(mendAll);
afterAll(async () => {
  await other.close();
  await gateway.close();
});

const told = (...texts: string[]): string[] => texts.flatMap((text) => [`user: ${text} [[len:1]]`, "assistant: word0"]);

it.each([
  { what: "a first turn", session: "begun", before: [] },
  { what: "a later turn", session: "going", before: ["one"] },
])(
  "$what that was written, and that another replica went on from before this was known, is stored once",
  async (row) => {
    const { session, before } = row;
    const say = (url: string, text: string) => ask(url, { session, messages: [said(`${text} [[len:1]]`)] });
    for (const text of before) await say(gateway.url, text);
    faults.store.lostReplies = 1;
    faults.store.beforeLoss = () => say(other.url, "meanwhile");
    const answer = await say(gateway.url, "written");
    expect([answer.status, errorCodes(answer)]).toEqual([200, []]);
    await say(gateway.url, "next");
    expect(await transcript(gateway.url, session)).toEqual(told(...before, "written", "meanwhile", "next"));
  },
);
