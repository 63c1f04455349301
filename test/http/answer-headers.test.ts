import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type CannedUpstream, startCannedUpstream } from "../support/canned-upstream.ts";
import {
  ask,
  freshSession,
  onSession,
  send,
  sendChat,
  type WireAnswer,
  type WireRequest,
} from "../support/http-calls.ts";
import { openRawConnection } from "../support/raw-connection.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());

const guard = ({ headers }: Pick<WireAnswer, "headers">) => [headers.get("cache-control"), headers.get("vary")];
const GUARDED = ["no-store", "Authorization"];

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const callers: readonly WireRequest[] = [
  {},
  { key: undefined },
  { headers: { "x-session-id": "one session" } },
  { headers: { "x-user-id": "ada", "x-session-id": "a" } },
];

/** Every route, its parameters filled, and an address below each that is none. */
function addresses(): string[] {
  const paths = gateway.routes
    .map(({ path }) => path)
    .filter((path) => path.startsWith("/v1") || path.startsWith("/admin"));
  const filled = [...new Set(paths)].map((path) => path.replaceAll(/:\w+/g, "some-id").replace("*", "nothing/here"));
  return [...filled, "/v1", "/v1/", "/admin/nothing", "/nothing"];
}

describe("no cache may keep an answer", () => {
  it("of any route, by any method, whoever asks", async () => {
    let tried = 0;
    const open: string[] = [];
    for (const path of addresses()) {
      for (const method of methods) {
        for (const caller of callers) {
          tried += 1;
          const answer = await sendTo(path, { method, ...caller });
          if (guard(answer).join() !== GUARDED.join()) open.push(`${method} ${path}: ${guard(answer).join()}`);
        }
      }
    }
    process.stdout.write(`S10 answers of every route: ${tried} tried, ${open.length} could be cached\n`);
    expect(open).toEqual([]);
  });

  it.each([false, true])(
    "on a session, first and repeated, refused by the model, or without one (stream: %s)",
    async (stream) => {
      const headers = onSession(freshSession(), { "idempotency-key": "once" });
      for (const text of ["[[len:3]]", "[[len:3]]"]) {
        expect(guard(await sendChat(gateway, ask(text, { stream }), { headers }))).toEqual(GUARDED);
      }
      for (const text of ["[[error:429]]", "[[html]]"]) {
        expect(guard(await sendChat(gateway, ask(text, { stream }), { headers: onSession(freshSession()) }))).toEqual(
          GUARDED,
        );
        expect(guard(await sendChat(gateway, ask(text, { stream })))).toEqual(GUARDED);
      }
      expect(guard(await sendChat(gateway, "{", { headers: onSession("a") }))).toEqual(GUARDED);
    },
  );

  it("of a request whose Host cannot be read", async () => {
    const connection = await openRawConnection(gateway.origin);
    connection.write("GET /v1/models HTTP/1.1\r\nHost: a b\r\n\r\n");
    const { status, head } = await connection.answer();
    expect([status, head]).toEqual([400, expect.stringMatching(/^cache-control: no-store\r?$/m)]);
    connection.close();
  });
});

async function sendTo(path: string, request: WireRequest): Promise<Pick<Response, "headers">> {
  if (path.startsWith("/v1/")) return send(gateway, path.slice(3), request);
  const response = await fetch(gateway.origin + path, { method: request.method ?? "GET" });
  await response.arrayBuffer();
  return response;
}

describe("an upstream", () => {
  let canned: CannedUpstream;
  let behind: TestGateway;
  beforeAll(async () => {
    canned = await startCannedUpstream();
    behind = await startTestGateway({
      env: { STATEGATE_UPSTREAM_URL: canned.url },
    });
  });
  afterAll(async () => {
    await behind.close();
    await canned.close();
  });

  it("does not decide who may keep or read an answer, and its own reasons to vary stay", async () => {
    canned.answer((response) => {
      response.writeHead(200, {
        "Cache-Control": "public, max-age=600",
        "CDN-Cache-Control": "max-age=600",
        "Surrogate-Control": "max-age=600",
        Expires: "Thu, 01 Jan 2099 00:00:00 GMT",
        Vary: ["Origin, accept-encoding", "authorization"],
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Credentials": "true",
        "X-Own": "kept",
      });
      response.end("{}");
    });
    for (const answer of [await send(behind, "/models"), await sendChat(behind, ask("hi"))]) {
      const { headers } = answer;
      expect(guard(answer)).toEqual(["no-store", "Origin, accept-encoding, Authorization"]);
      const gone = [
        "cdn-cache-control",
        "surrogate-control",
        "expires",
        "access-control-allow-origin",
        "access-control-allow-credentials",
      ];
      expect(gone.map((name) => headers.get(name))).toEqual(gone.map(() => null));
      expect(headers.get("x-own")).toBe("kept");
    }
  });

  it("is not told where a client is, nor asked to send a request back", async () => {
    const hidden = {
      "x-forwarded-for": "198.51.100.7",
      "x-forwarded-host": "a",
      forwarded: "for=198.51.100.7",
      "x-real-ip": "198.51.100.7",
    };
    await send(behind, "/models", { headers: { ...hidden, "x-kept": "1" } });
    const headers = canned.requests.at(-1)?.headers ?? {};
    expect(Object.keys(hidden).filter((name) => name in headers)).toEqual([]);
    expect(headers["x-kept"]).toBe("1");
    const before = canned.requests.length;
    const connection = await openRawConnection(behind.origin);
    connection.write("TRACE /v1/models HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer sk-secret\r\n\r\n");
    const answer = await connection.answer();
    connection.close();
    expect([answer.status, answer.body.includes("sk-secret"), canned.requests.length]).toEqual([404, false, before]);
  });
});
