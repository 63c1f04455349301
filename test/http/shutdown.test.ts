import { expect, it } from "vitest";

import { startTestGateway } from "../support/test-gateway.ts";

const headers = { authorization: "Bearer sk-test-user-1", "content-type": "application/json", "x-session-id": "last" };
const ask = (content: string) =>
  JSON.stringify({ model: "gpt-5", stream: true, messages: [{ role: "user", content }] });

it("lets a running answer end and stores it, while nobody new gets in", async () => {
  const gateway = await startTestGateway();
  const { origin } = gateway;
  const running = await fetch(`${gateway.url}/chat/completions`, {
    method: "POST",
    headers,
    body: ask("tell me [[len:20]] [[slow:40]]"),
  });
  const restarted = gateway.restart();
  await expect(fetch(`${origin}/readyz`)).rejects.toThrow();
  expect((await running.text()).trimEnd().endsWith("data: [DONE]")).toBe(true);
  await restarted;
  const stored = await fetch(`${gateway.url}/sessions/last/messages`, { headers });
  const { data } = (await stored.json()) as { data: { role: string; status: string }[] };
  expect(data.map(({ role, status }) => `${role} ${status}`)).toEqual(["user complete", "assistant complete"]);
  await gateway.close();
});

it("tells load balancers first: for a while it is not ready and still answers, each connection for the last time", async () => {
  const gateway = await startTestGateway({ env: { STATEGATE_HTTP__DRAIN_DELAY_MS: "1000" } });
  await (await fetch(`${gateway.url}/models`, { headers })).text();
  const closed = gateway.close();
  const ready = await fetch(`${gateway.origin}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, expect.objectContaining({ status: "draining" })]);
  const answer = await fetch(`${gateway.url}/chat/completions`, { method: "POST", headers, body: ask("hello") });
  expect((await answer.text()).trimEnd().endsWith("data: [DONE]")).toBe(true);
  for (const { headers: sent } of [ready, answer]) expect(sent.get("connection")).toBe("close");
  await closed;
  await expect(fetch(`${gateway.origin}/readyz`)).rejects.toThrow();
});

it("cuts what does not end in the time that is set for it", async () => {
  const gateway = await startTestGateway({ env: { STATEGATE_HTTP__DRAIN_TIMEOUT_MS: "200" } });
  const hanging = fetch(`${gateway.url}/chat/completions`, { method: "POST", headers, body: ask("[[hang]]") });
  const outcome = hanging.then(
    () => "answered",
    () => "cut",
  );
  await expect.poll(() => gateway.upstream.log.length).toBe(1);
  await gateway.close();
  expect(await outcome).toBe("cut");
});
