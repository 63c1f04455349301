/** What upstream mode adds before the first token: a figure that is printed, for a machine decides it and not a test. */
import { loadavg } from "node:os";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { freshSession, onSession } from "../../support/http-calls.ts";
import { plantValues } from "../../support/planted-values.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { startTestGateway, type TestGateway } from "../../support/test-gateway.ts";

const STREAMS = inCiOrProving(20, 200);
const WARM_UP = 10;
const PARAGRAPH = "The customer wrote again about the delivery, and asks who may sign for it when nobody is at home. ";

let plain: TestGateway;
let hiding: TestGateway;
beforeAll(async () => {
  plain = await startTestGateway();
  hiding = await startTestGateway({ upstream: plain.upstream, env: { STATEGATE_REDACTION__MODE: "upstream" } });
});
afterAll(async () => {
  await hiding.close();
  await plain.close();
});

/** Milliseconds from sending to the first word, and the whole answer. */
async function timeStream(gateway: TestGateway, session: string, text: string): Promise<{ ms: number; body: string }> {
  const startedAt = performance.now();
  const response = await fetch(`${gateway.url}/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer sk-test-user-1", "content-type": "application/json", ...onSession(session) },
    body: JSON.stringify({ model: "gpt-5", stream: true, messages: [{ role: "user", content: text }] }),
  });
  const decoder = new TextDecoder();
  let body = "";
  let ms: number | undefined;
  for await (const chunk of response.body ?? []) {
    body += decoder.decode(chunk, { stream: true });
    if (body.includes('"content":"You')) ms ??= performance.now() - startedAt;
  }
  if (ms === undefined) throw new Error("no first word");
  return { ms, body };
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;

describe("the first token in upstream mode", () => {
  it("comes with the client's own values, and its time is printed beside store mode's", async () => {
    const planted = plantValues(STREAMS + WARM_UP);
    const times = { plain: [] as number[], hiding: [] as number[] };
    for (const [index, { sentence, value }] of planted.entries()) {
      // Four kilobytes, and the value in the part that is said back.
      const text = `${sentence} [[shred]] ${PARAGRAPH.repeat(40)}`;
      const session = freshSession();
      const pair = Object.entries({ plain, hiding });
      for (const [name, gateway] of index % 2 === 0 ? pair : pair.toReversed()) {
        const { ms, body } = await timeStream(gateway, session, text);
        if (index >= WARM_UP) times[name as keyof typeof times].push(ms);
        const said = [...body.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)].map(
          ([, piece]) => JSON.parse(piece ?? '""') as string,
        );
        expect(said.join("")).toContain(value);
      }
    }
    for (const [name, share] of [
      ["median", 0.5],
      ["fastest tenth", 0.1],
    ] as const) {
      const [without, withMode] = [quantile(times.plain, share), quantile(times.hiding, share)];
      process.stdout.write(
        `first token, ${name} of ${STREAMS} streams at load ${loadavg()[0]?.toFixed(1)}: store mode ${without.toFixed(2)} ms, ` +
          `upstream mode ${withMode.toFixed(2)} ms, added ${(withMode - without).toFixed(2)} ms\n`,
      );
    }
  });
});
