import { afterAll, beforeAll, expect, it } from "vitest";

import { ask, type WireError } from "../support/http-calls.ts";
import { openRawConnection } from "../support/raw-connection.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(
  async () =>
    void (gateway = await startTestGateway({
      env: {
        STATEGATE_IDENTITY__SESSION_ID_FROM: "metadata.session_id,prompt_cache_key,x-session-affinity,conversation",
      },
    })),
);
afterAll(() => gateway.close());

interface Attempt {
  readonly target: string;
  readonly method: string;
  readonly headers: readonly string[];
  readonly fields: object;
}

const chat = { target: "/v1/chat/completions", method: "POST", headers: [] as string[], fields: {} };

const queries = [
  "session_id=a",
  "session-id=a",
  "sessionid=a",
  "sessionId=a",
  "SESSION_ID=a",
  "X-Session-Id=a",
  "x_session_id=a",
  "session.id=a",
  "session[id]=a",
  "session%5Fid=a",
  "%73ession_id=a",
  "a=b&session_id=c",
  "a=b&&session_id",
  "?session_id=a",
  "session_id=",
  "session+id=a",
  "x-session-affinity=a",
  "session_id=a&session_id=b",
];
const places = [
  ["POST", "/v1/chat/completions"],
  ["GET", "/v1/models"],
  ["GET", "/v1/sessions"],
  ["POST", "/v1/sessions"],
  ["GET", "/v1/sessions/a"],
  ["DELETE", "/v1/sessions/a"],
  ["GET", "/v1/sessions/a/messages"],
  ["GET", "/v1/sessions/a/nothing"],
  ["GET", "/admin/users"],
  ["GET", "http://gateway/v1/models"],
] as const;

const inQuery: Attempt[] = [
  ...queries.map((query) => ({ ...chat, target: `${chat.target}?${query}` })),
  ...places.map(([method, path]) => ({ ...chat, method, target: `${path}?session_id=a` })),
];
const twice = (first: string, second: string): Attempt => ({
  ...chat,
  headers: [`X-Session-Id: ${first}`, `x-session-ID: ${second}`],
});
const conflicting: Attempt[] = [
  twice("a", "b"),
  twice("a", "A"),
  twice("a", ""),
  twice("", "a"),
  twice("new", "a"),
  twice("a", "aa"),
  twice("a", "a,a"),
  { ...chat, headers: ["X-Session-Id: a", "X-Session-Id: a", "X-Session-Id: b"] },
  ...places.slice(1, 6).map(([method, target]) => ({ ...twice("a", "b"), method, target })),
  { ...chat, headers: ["X-Session-Id: a", "X-Session-Affinity: b"] },
  { ...chat, headers: ["X-Session-Affinity: a", "X-Session-Affinity: b"], fields: { conversation: "a" } },
  { ...chat, headers: ["X-Session-Id: a"], fields: { metadata: { session_id: "b" } } },
  { ...chat, headers: ["X-Session-Id: a"], fields: { prompt_cache_key: "b" } },
  { ...chat, headers: ["X-Session-Id: a"], fields: { conversation: "b" } },
  { ...chat, headers: ["X-Session-Id: new"], fields: { conversation: "b" } },
  { ...chat, fields: { conversation: "a", prompt_cache_key: "b" } },
  { ...chat, fields: { conversation: "a", metadata: { session_id: "b" } } },
  { ...chat, fields: { prompt_cache_key: "a", metadata: { session_id: "A" } } },
];

async function codeOf({ target, method, headers, fields }: Attempt): Promise<string> {
  const body = method === "POST" ? JSON.stringify(ask("hi", fields)) : "";
  const head = [
    `${method} ${target} HTTP/1.1`,
    "Host: gateway",
    "Authorization: Bearer sk-ids",
    "Content-Type: application/json",
    ...headers,
    `Content-Length: ${body.length}`,
  ];
  const connection = await openRawConnection(gateway.origin);
  connection.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  const answer = await connection.answer();
  connection.close();
  return `${answer.status} ${(JSON.parse(answer.body) as WireError).error.code}`;
}

it("a request that names two sessions, or one in its address, is refused on every route, and no model is asked", async () => {
  const expected = new Map<Attempt, string>([
    ...inQuery.map((attempt) => [attempt, "400 session_id_in_query"] as const),
    ...conflicting.map((attempt) => [attempt, "400 conflicting_session_id"] as const),
  ]);
  const accepted: string[] = [];
  for (const [attempt, refusal] of expected) {
    const code = await codeOf(attempt);
    if (code !== refusal) accepted.push(`${JSON.stringify(attempt)} -> ${code}`);
  }
  process.stdout.write(
    `S8 session ids said twice or in the query: ${expected.size} tried, ${accepted.length} accepted\n`,
  );
  expect(accepted).toEqual([]);
  expect(expected.size).toBeGreaterThanOrEqual(50);
  expect(gateway.upstream.log).toEqual([]);
});
