/** R16: a request can never choose the host that is asked, the path above the API, or the key that pays. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, expect, it } from "vitest";

import { createAttackFigures } from "../support/attack-figures.ts";
import { send as sendRaw } from "../support/fault-client.ts";
import { USER_KEY } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

/** Whoever is led astray calls here. */
let trap: Server;
let trapped: string[];
let host: string;
let gateway: TestGateway;
beforeAll(async () => {
  trapped = [];
  trap = createServer((request, response) => {
    trapped.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.end("{}");
  });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(trap.address() as AddressInfo).port}`;
  gateway = await startTestGateway({
    env: { STATEGATE_STORE: "memory:" },
  });
});
afterAll(async () => {
  await gateway.close();
  await new Promise((resolve) => trap.close(resolve));
});

/** Names under which gateways of the field have taken an address from a request. */
const fields =
  "api_base base_url baseURL apiBase api_url url host endpoint target upstream proxy custom_host webhook callback_url server_url jwks_url jku redirect_uri".split(
    " ",
  );
const headerNames =
  "host x-forwarded-host x-host x-original-host forwarded x-portkey-custom-host x-upstream x-target-url x-base-url x-original-url x-rewrite-url referer origin via x-forwarded-server x-http-host-override x-proxy-url destination".split(
    " ",
  );
const addresses = (): string[] => [
  `http://${host}/v1`,
  host,
  `//${host}/`,
  `http://${host}@${host}/`,
  `http://x#@${host}/`,
];

const targets = (): string[] => [
  `http://${host}/v1/models`,
  `//${host}/v1/models`,
  `/\\${host}/v1/models`,
  `/v1//${host}/models`,
  `/v1/@${host}/models`,
  `/v1/..;/@${host}`,
  `/v1/%2e%2e/%2e%2e/@${host}`,
  `/v1/../../models`,
  `/v1/%2e%2e%2fmodels`,
  `/v1/..%5c..%5cmodels`,
  `/v1/models?url=http://${host}/`,
  `/v1/models#@${host}`,
  `/v1/models%0d%0aHost:%20${host}`,
  `/v1/http://${host}/models`,
  `/v1/%68ttp%3a%2f%2f${host}/models`,
];

const headers = { authorization: `Bearer ${USER_KEY}`, "content-type": "application/json" };
const chat = (more: object): string =>
  JSON.stringify({ model: "gpt-5", messages: [{ role: "user", content: "[[len:1]]" }], ...more });

it("never connects to an address that a request names", { timeout: 120_000 }, async () => {
  const figures = createAttackFigures();
  const post = async (what: string, more: object, extra: Readonly<Record<string, string>> = {}): Promise<void> => {
    for (const session of [{}, { "x-session-id": "s" }]) {
      const url = `${gateway.url}/chat/completions`;
      const answer = await sendRaw(url, {
        method: "POST",
        headers: { ...headers, ...session, ...extra },
        body: chat(more),
      });
      figures.count(answer.status, what);
    }
  };
  for (const address of addresses()) {
    for (const field of fields) {
      await post(`${field}: ${address}`, { [field]: address });
      await post(`metadata.${field}: ${address}`, { metadata: { [field]: address } });
    }
    for (const name of headerNames) await post(`${name}: ${address}`, {}, { [name]: address });
  }
  for (const target of targets()) {
    const { status } = await sendRaw(gateway.origin + target, { headers });
    figures.count(status, target);
  }
  figures.report("addresses in requests", targets().length);
  expect(figures.tried).toBeGreaterThan(300);
  expect(trapped).toEqual([]);
  // Everything that went on went to the one upstream, below its base path, under the caller's own key.
  for (const { path, headers: sent } of gateway.upstream.log) {
    expect(path).toMatch(/^\/v1\//);
    expect(sent.authorization).toBe(`Bearer ${USER_KEY}`);
  }
});

it("follows no redirect of its upstream", async () => {
  const redirecting = createServer((_, response) => {
    response.writeHead(307, { location: `http://${host}/v1/chat/completions` }).end();
  });
  await new Promise<void>((resolve) => redirecting.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}/v1`;
  const led = await startTestGateway({
    upstream: gateway.upstream,
    env: { STATEGATE_STORE: "memory:", STATEGATE_UPSTREAM_URL: url },
  });
  for (const session of [{}, { "x-session-id": "s" }]) {
    const sent = { method: "POST", headers: { ...headers, ...session }, body: chat({}) };
    expect((await sendRaw(`${led.url}/chat/completions`, sent)).status).toBe(307);
  }
  expect((await sendRaw(`${led.url}/models`, { headers })).status).toBe(307);
  expect(trapped).toEqual([]);
  await led.close();
  await new Promise((resolve) => redirecting.close(resolve));
});
