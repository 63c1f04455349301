import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createCallerReader } from "../../../src/http/caller.ts";

/** Every address below 127/8 is this machine, so one machine can be proxy, stranger and server at once. */
const PROXY = "127.0.0.2";
const STRANGER = "127.0.0.3";
const read = createCallerReader([PROXY, "10.0.0.0/8", "2001:db8::/32"]);

let server: Server;
beforeAll(async () => {
  server = createServer((incoming, response) => response.end(read(incoming).address));
  await once(server.listen(0, "127.0.0.1"), "listening");
});
afterAll(() => void server.close());

async function seenFrom(peer: string, headers: Readonly<Record<string, string | string[]>>): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const sent = request({ host: "127.0.0.1", port, localAddress: peer, headers, agent: false });
  sent.end();
  const [response] = await once(sent, "response");
  return (await response.toArray()).join("");
}

describe("the address of a client", () => {
  it.each<[string, string | string[]]>([
    ["198.51.100.7", "198.51.100.7"],
    ["198.51.100.7", "203.0.113.9, 198.51.100.7"],
    ["198.51.100.7", "203.0.113.9, 198.51.100.7, 10.1.1.1, 10.2.2.2"],
    ["198.51.100.7", ["203.0.113.9", "198.51.100.7", "10.1.1.1"]],
    ["198.51.100.7", "::ffff:198.51.100.7, ::ffff:10.1.1.1"],
    ["198.51.100.7", "198.51.100.7:4711"],
    ["2001:db9::7", "[2001:db9::7]:443, 2001:db8::1"],
    ["2001:db9::7", " 2001:DB9:0::7 "],
    ["10.9.9.9", "10.9.9.9, 10.1.1.1"],
    ["10.1.1.1", "unknown, 10.1.1.1"],
    ["10.1.1.1", "198.51.100.7, <script>, 10.1.1.1"],
    [PROXY, ""],
    [PROXY, "unknown"],
    [PROXY, ", ,"],
  ])("is %s behind a trusted proxy that says %j", async (address, forwarded) => {
    expect(await seenFrom(PROXY, { "x-forwarded-for": forwarded })).toBe(address);
  });

  it("is the peer's without the header", async () => {
    expect(await seenFrom(STRANGER, {})).toBe(STRANGER);
    expect(await seenFrom(PROXY, {})).toBe(PROXY);
  });
});

const claims = ["203.0.113.1", "127.0.0.1", PROXY, "10.0.0.1", "::1", "2001:db8::1", "unknown", "0.0.0.0", "localhost"];
const headerForms = [
  (claim: string) => ({ "x-forwarded-for": claim }),
  (claim: string) => ({ "X-FORWARDED-FOR": [claim, claim] }),
  (claim: string) => ({ "x-forwarded-for": `${claim}, ${PROXY}, 10.0.0.1` }),
  (claim: string) => ({ "x-forwarded-for": `${claim}:80,` }),
  (claim: string) => ({ forwarded: `for=${claim};host=${claim};proto=https`, "x-real-ip": claim }),
  (claim: string) => ({ forwarded: `for="[${claim}]"`, "x-forwarded-host": claim, "x-forwarded-proto": "https" }),
  (claim: string) => ({ "x-client-ip": claim, "true-client-ip": claim, "cf-connecting-ip": claim }),
  (claim: string) => ({ x_forwarded_for: claim, "x-forwarded": claim, "x-original-forwarded-for": claim }),
];

it("no claim moves a client that is no trusted proxy, and none passes the address that such a proxy saw", async () => {
  let tried = 0;
  let accepted = 0;
  const attempt = async (peer: string, headers: Record<string, string | string[]>, real: string): Promise<void> => {
    tried += 1;
    if ((await seenFrom(peer, headers)) !== real) accepted += 1;
  };
  for (const claim of claims) {
    for (const form of headerForms) {
      await attempt(STRANGER, form(claim), STRANGER);
      // What the client wrote, and behind it what the proxy added.
      const { "x-forwarded-for": said = claim, ...rest } = form(claim) as Record<string, string | string[]>;
      await attempt(PROXY, { ...rest, "x-forwarded-for": `${[said].flat().join(", ")}, 198.51.100.7` }, "198.51.100.7");
      await attempt(
        PROXY,
        { ...rest, "x-forwarded-for": `${[said].flat().join(", ")}, 198.51.100.7, 10.0.0.5` },
        "198.51.100.7",
      );
    }
  }
  process.stdout.write(`S11 forged addresses: ${tried} tried, ${accepted} accepted\n`);
  expect(tried).toBeGreaterThanOrEqual(200);
  expect(accepted).toBe(0);
});
