import { afterAll, beforeAll, expect, it, vi } from "vitest";

import { faults, mendAll } from "../support/fault-parts.ts";
import { chatsOf, onSession, sendChat } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

vi.mock("../../src/store/open-store.ts", async (original) => {
  const real = await original<typeof import("../../src/store/open-store.ts")>();
  const { breakableStore } = await import("../support/fault-parts.ts");
  return { ...real, openStore: breakableStore(real.openStore) };
});

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    env: {
      STATEGATE_STORE: "memory:",
      STATEGATE_IDENTITY__ANONYMOUS: "minted",
      STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator",
    },
  });
});
afterAll(async () => {
  mendAll();
  await gateway.close();
});

it("with the store away an anonymous caller asks no model: nobody can tell whether his session was minted", async () => {
  const messages = [
    { role: "user", content: "hi" },
    { role: "assistant", content: "hello" },
    { role: "user", content: "go on" },
  ];
  const replay = (key: string | undefined) =>
    sendChat(gateway, { model: "gpt-5", messages }, { key, headers: onSession("a-name-of-mine") });
  faults.store.load = true;
  expect((await replay(undefined)).status).toBe(503);
  expect(chatsOf(gateway)).toEqual([]);
  // Who has a credential and brings his history is served without his session.
  expect((await replay("sk-somebody")).status).toBe(200);
});
