import { request } from "node:http";

import { afterAll, beforeAll, expect, it } from "vitest";

import { freshSession, onSession, USER_KEY } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway({ env: { STATEGATE_HTTP__MAX_BODY_BYTES: "2000" } })));
afterAll(() => gateway.close());

interface Sent {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

const hello = JSON.stringify({ model: "gpt-5", messages: [{ role: "user", content: "hello [[len:3]]" }] });

/** Headers as `fetch` would not send them. */
function post(path: string, { body = hello, headers = {} }: Sent) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; names: string[]; text: string }>();
  const sent = { "content-type": "application/json", "content-length": String(body.length), ...headers };
  const call = request(`${gateway.url}${path}`, { method: "POST", headers: sent }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => void chunks.push(chunk));
    answer.once("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      resolve({ status: answer.statusCode ?? 0, names: Object.keys(answer.headers).toSorted(), text });
    });
  });
  call.once("error", reject);
  call.end(body);
  return promise;
}

const signed = { authorization: `Bearer ${USER_KEY}` };

/** What differs from one request to the next, whoever answers. */
const withoutNames = (text: string): string => text.replaceAll(/"(?:id|created)":("[^"]*"|\d+)|"message":"[^"]*"/g, "");

it.each<[string, () => Sent]>([
  ["a turn", () => ({ headers: { ...signed, ...onSession(freshSession()) } })],
  ["no session", () => ({ headers: signed })],
  ["no credential", () => ({ headers: onSession(freshSession()) })],
  ["a session named twice, differently", () => ({ headers: { ...signed, "x-session-id": ["one", "two"] } })],
  ["two credentials", () => ({ headers: { authorization: [signed.authorization, "Bearer sk-test-other"] } })],
  ["an unknown strategy", () => ({ headers: { ...signed, ...onSession("s"), "x-history-strategy": "magic" } })],
  ["a body that is no JSON", () => ({ headers: { ...signed, ...onSession("s") }, body: "{" })],
  ["a body that is too large", () => ({ headers: signed, body: JSON.stringify({ x: "x".repeat(3_000) }) })],
  ["a compressed body", () => ({ headers: { ...signed, "content-encoding": "gzip" } })],
  ["a strange host", () => ({ headers: { ...signed, host: "a b" } })],
])("%s is answered alike on the way round the router and through it", async (_, sent) => {
  const around = await post("/chat/completions", sent());
  const through = await post("/chat/completions?api-version=1", sent());
  expect(around.status).toBe(through.status);
  expect(around.names).toEqual(through.names);
  expect(withoutNames(around.text)).toBe(withoutNames(through.text));
});
