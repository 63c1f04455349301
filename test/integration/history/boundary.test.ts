/** Where history is cut is kept in the session, not in a process: neither a restart nor another replica moves it. */
import { afterEach, expect, it } from "vitest";

import { type LoggedRequest, startSimulatedUpstream } from "../../../src/demo/simulated-upstream.ts";
import { countTokens, startTestGateway, type TestGateway } from "../../support/test-gateway.ts";

const TURNS = 36;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});

/** A cache that never hits, so that what was learnt about it moves the boundary, too. */
async function start(cached: boolean): Promise<TestGateway> {
  const upstream = await startSimulatedUpstream({
    countTokens: await countTokens(),
    ...(!cached && { promptCache: { ttlMs: -1 } }),
  });
  const gateway = await startTestGateway({ upstream });
  open.push(upstream, gateway);
  return gateway;
}

async function secondReplica({ upstream, folder }: TestGateway): Promise<TestGateway> {
  const gateway = await startTestGateway({ upstream, folder });
  open.push(gateway);
  return gateway;
}

async function play(gatewayAt: (turn: number) => TestGateway, after: (turn: number) => Promise<void>): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const content = `Remark ${turn}: ${"the weather turned again ".repeat(40)} [[len:80]]`;
    await gatewayAt(turn)
      .client()
      .chat.completions.create(
        { model: "gpt-4.1", messages: [{ role: "user", content }] },
        { headers: { "X-Session-Id": "long" } },
      );
    await gatewayAt(turn).flush();
    await after(turn);
  }
}

const messagesOf = ({ body }: LoggedRequest) => (body as { messages: { role: string; content: string }[] }).messages;
/** What was sent of each turn, without the requests for summaries. */
const sentBy = ({ upstream }: TestGateway): string[] =>
  upstream.log
    .map(messagesOf)
    .flatMap((messages) => (messages[0]?.role === "system" ? [] : [JSON.stringify(messages)]));

it.each([{ cached: true }, { cached: false }])(
  "sends the same through restarts (cached: $cached)",
  async ({ cached }) => {
    const steady = await start(cached);
    await play(
      () => steady,
      async () => undefined,
    );
    const shaken = await start(cached);
    await play(
      () => shaken,
      async (turn) => {
        if (turn % 12 === 11) await shaken.restart();
      },
    );
    expect(sentBy(shaken)).toEqual(sentBy(steady));
    expect(sentBy(steady).at(-1)).toContain("conversation_notes");
  },
);

it("sends the same through two replicas in turn", async () => {
  const steady = await start(true);
  await play(
    () => steady,
    async () => undefined,
  );
  const first = await start(true);
  const second = await secondReplica(first);
  await play(
    (turn) => (turn % 2 === 0 ? first : second),
    async () => undefined,
  );
  expect(sentBy(second)).toEqual(sentBy(steady));
});
