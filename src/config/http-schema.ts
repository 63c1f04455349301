import { z } from "zod";

import { isNetwork } from "../kit/network-list.ts";
import { count, milliseconds } from "./schema-parts.ts";
import { ORIGIN_SHAPE } from "./value-shapes.ts";

export const http = z.strictObject({
  host: z
    .string()
    .min(1)
    .default("127.0.0.1")
    .describe("Address to listen on. 0.0.0.0 opens the gateway to the network."),
  port: z.int().min(0).max(65_535).default(8787).describe("0 takes any free port."),
  maxBodyBytes: count().default(20_971_520).describe("A larger request body is refused with 413."),
  maxDepth: count().max(10_000).default(64).describe("How deep a chat request's JSON may be nested."),
  maxKeys: count().default(200_000).describe("How many object keys a chat request's JSON may have in all."),
  maxValues: count()
    .default(50_000)
    .describe(
      "How many fields and list items one message of a chat request may have, or all the rest of it, where each message is one: what is parsed in one go. A thousand tools of ten parameters have some 40,000.",
    ),
  maxHeaderBytes: z.int().min(1_024).max(1_048_576).default(16_384).describe("All headers of a request together."),
  headersTimeoutMs: milliseconds()
    .default(15_000)
    .describe("A client that has not sent its headers by then is cut off."),
  requestTimeoutMs: milliseconds().default(300_000).describe("The same for headers and body together."),
  trustedProxies: z
    .array(z.string().refine(isNetwork, "expected an address or a network, such as 10.0.0.0/8"))
    .default([])
    .describe("Addresses and networks of proxies whose X-Forwarded-For counts. From anybody else it is ignored."),
  cors: z
    .strictObject({
      origins: z
        .array(
          z
            .string()
            .regex(ORIGIN_SHAPE, "expected an origin, such as https://app.example.com")
            .refine(URL.canParse, "is no origin"),
        )
        .default([])
        .describe("Web pages of these origins may call the gateway from a browser, cookies included."),
    })
    .prefault({}),
  drainDelayMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(0)
    .describe(
      "After SIGTERM, /readyz is red for so long before connections are refused: until load balancers have noticed.",
    ),
  drainTimeoutMs: milliseconds()
    .default(30_000)
    .describe("Then running answers may take this long to finish before their connections are cut."),
});
