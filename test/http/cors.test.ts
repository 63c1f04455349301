import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { ask, freshSession, onSession, send, sendChat } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const APP = "https://app.example.com";
let gateway: TestGateway;
beforeAll(
  async () =>
    void (gateway = await startTestGateway({ env: { STATEGATE_HTTP__CORS__ORIGINS: `${APP},http://localhost:3000` } })),
);
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const corsOf = (headers: Headers): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));

const preflight = (path: string, origin: string, on: TestGateway = gateway) =>
  fetch(on.origin + path, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization, content-type, x-session-id, x-stainless-lang",
    },
  });

describe("a page of a listed origin", () => {
  it.each(["/v1/chat/completions", "/v1/sessions", "/v1/sessions/a", "/v1/models", "/admin/users"])(
    "may send what it asks for to %s, and no upstream is asked",
    async (path) => {
      const answer = await preflight(path, APP);
      expect([answer.status, await answer.text()]).toEqual([204, ""]);
      expect(corsOf(answer.headers)).toEqual({
        "access-control-allow-origin": APP,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": "authorization, content-type, x-session-id, x-stainless-lang",
        "access-control-max-age": "600",
      });
      expect(answer.headers.get("vary")).toBe("Authorization, Origin");
      expect(gateway.upstream.log).toEqual([]);
    },
  );

  it.each([false, true])("may read an answer and every header of ours (stream: %s)", async (stream) => {
    const headers = onSession(freshSession(), { origin: APP });
    const answers = [
      await sendChat(gateway, ask("[[len:1]] ada@example.com", { stream }), { headers }),
      await sendChat(gateway, ask("[[len:1]]", { stream }), { headers }),
      await sendChat(gateway, ask("[[len:1]]", { stream }), { headers: { origin: APP } }),
      await sendChat(gateway, "{", { headers }),
      await send(gateway, "/sessions", { headers: { origin: APP } }),
      await send(gateway, "/models", { headers: { origin: APP } }),
      await send(gateway, "/sessions/a/nothing", { headers: { origin: APP } }),
    ];
    for (const { headers: got } of answers) {
      expect(got.get("access-control-allow-origin")).toBe(APP);
      expect(got.get("access-control-allow-credentials")).toBe("true");
      expect(got.get("vary")).toContain("Origin");
      const exposed = (got.get("access-control-expose-headers") ?? "").toLowerCase().split(", ");
      const ours = [...got.keys()].filter((name) =>
        /^x-(session|history|tokens|redactions|stategate|request)/.test(name),
      );
      expect(ours.filter((name) => !exposed.includes(name))).toEqual([]);
    }
  });
});

describe("a page of any other origin", () => {
  it.each([
    "https://evil.example.com",
    "https://app.example.com.evil.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://APP.example.com",
    "null",
    "*",
    "",
  ])("is told nothing: %j", async (origin) => {
    const asked = await preflight("/v1/chat/completions", origin);
    expect([asked.status, corsOf(asked.headers)]).toEqual([204, {}]);
    const answer = await sendChat(gateway, ask("hi"), { headers: { origin } });
    expect([answer.status, corsOf(answer.headers)]).toEqual([200, {}]);
    expect(answer.headers.get("vary")).toBe("Authorization, Origin");
  });

  it("is told nothing at all where no origin is listed", async () => {
    const closed = await startTestGateway({ upstream: gateway.upstream });
    expect(corsOf((await preflight("/v1/chat/completions", APP, closed)).headers)).toEqual({});
    const answer = await send(closed, "/models", { headers: { origin: APP } });
    expect([corsOf(answer.headers), answer.headers.get("vary")]).toEqual([{}, "Authorization"]);
    await closed.close();
  });
});
