import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type CannedUpstream, startCannedUpstream } from "../support/canned-upstream.ts";
import { clientScripts } from "../support/client-script.ts";
import { freshSession, send, type StoredLine } from "../support/http-calls.ts";
import { createHttpExecutors, type HttpExecutor } from "../support/http-execute.ts";
import { playScript } from "../support/play-script.ts";
import { createReferenceConversation, type Said } from "../support/reference-conversation.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { readMessage } from "../support/wire-styles.ts";

/** 10,000 in the long form. */
const runs = Number(process.env["STATEGATE_TEST_RUNS"] ?? 150);
const timeout = 60_000 + runs * 500;

let upstream: CannedUpstream;
let gateway: TestGateway;
let openExecutor: (sessionId: string) => HttpExecutor;
let time = Date.now();
beforeAll(async () => {
  upstream = await startCannedUpstream();
  gateway = await startTestGateway({
    clock: () => time,
    env: {
      STATEGATE_UPSTREAM_URL: upstream.url,
      // Epochs as short as can be, so that windows and rewinds cross their ends.
      STATEGATE_HISTORY__FLOOR_TOKENS: "0",
      STATEGATE_HISTORY__WINDOW__TURNS: "1",
      STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
      STATEGATE_HISTORY__EXACT: "true",
      STATEGATE_HISTORY__SUMMARY__MODE: "extractive",
    },
  });
  openExecutor = createHttpExecutors(gateway, upstream);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const redacted = (json: string): string => json.replaceAll("ada@example.com", "[EMAIL]");

async function stored(sessionId: string): Promise<string[]> {
  const answer = await send(gateway, `/sessions/${sessionId}/messages?limit=100`);
  if (answer.status === 404) return [];
  const { data } = answer.json<{ data: StoredLine[] }>();
  return data.map((line) => JSON.stringify(readMessage(line as never)).replaceAll(/\[EMAIL_[\da-f]{8}\]/g, "[EMAIL]"));
}

const written = (messages: readonly Said[]): string[] => messages.map((said) => redacted(JSON.stringify(said)));

describe("simulated clients against the gateway over HTTP", () => {
  it("no message is doubled, lost or moved, whoever sends what and whoever is first", { timeout }, async () => {
    const scripts = clientScripts({ maxClients: 3, maxSteps: 8, words: ["unique", "few"], races: true });
    await fc.assert(
      fc.asyncProperty(scripts, fc.boolean(), async (script, isCold) => {
        const session = freshSession();
        const { execute, modes } = openExecutor(session);
        const reference = createReferenceConversation();
        await playScript(script, {
          execute,
          reference,
          async check({ expectedModes }) {
            expect(modes).toEqual(expectedModes);
            expect(await stored(session)).toEqual(written(reference.transcript()));
            // Opened sessions are dropped after a minute: the next request reads the store anew.
            if (isCold) time += 61_000;
          },
        });
      }),
      { numRuns: runs },
    );
  });

  it("a client alone finds exactly the conversation that it believes in", { timeout }, async () => {
    const scripts = clientScripts({ maxClients: 1, maxSteps: 8, words: ["unique"], races: false });
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        const session = freshSession();
        await playScript(script, {
          execute: openExecutor(session).execute,
          reference: createReferenceConversation(),
          async check({ beliefs: [belief] }) {
            const found = await stored(session);
            if (found.length > 0) expect(found).toEqual(written(belief ?? []));
          },
        });
      }),
      { numRuns: Math.ceil(runs / 3) },
    );
  });
});
