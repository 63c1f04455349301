import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

import { expect, it } from "vitest";

import { startGatewayProcess } from "../../support/gateway-process.ts";

it("a collector that never answers does not hold up the end of the process", { timeout: 20_000 }, async () => {
  const calls: string[] = [];
  const collector = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (head) => void calls.push(/ (\S+) /.exec(head.toString("latin1"))?.[1] ?? ""));
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const gateway = await startGatewayProcess({
    STATEGATE_STORE: "memory:",
    STATEGATE_AUDIT__FORWARD: "otlp",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    // The exporters' own patience, which is 10 s, is not what ends it.
    OTEL_EXPORTER_OTLP_TIMEOUT: "600000",
  });
  expect(await gateway.stop()).toBe(0);
  expect(calls.toSorted()).toEqual(["/v1/logs", "/v1/metrics"]);
  collector.close();
});
