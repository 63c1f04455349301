import { describe, expect, it } from "vitest";

import { createNetworkList, isNetwork, plainAddress } from "../../../src/kit/network-list.ts";

describe("a list of networks", () => {
  const list = createNetworkList(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::ffff:172.16.0.0/108", "fe80::1"]);

  it.each([
    "10.0.0.0",
    "10.255.255.255",
    "::ffff:10.1.2.3",
    "::ffff:a01:203",
    "192.0.2.7",
    "2001:db8::1",
    "2001:DB8:0:0:0:0:0:1",
    "172.31.255.255",
    "fe80::1%eth0",
  ])("has %s", (address) => expect(list.has(address)).toBe(true));

  it.each(["11.0.0.0", "192.0.2.8", "2001:db9::1", "172.32.0.0", "::10.1.2.3", "", "10", "localhost", "10.0.0.1 "])(
    "does not have %s",
    (address) => expect(list.has(address)).toBe(false),
  );

  it("may be empty", () => expect(createNetworkList([]).has("127.0.0.1")).toBe(false));
});

it.each(["10.0.0.0/8", "0.0.0.0/0", "127.0.0.1", "::1", "::/0", "2001:db8::/128", "::ffff:10.0.0.0/104"])(
  "%s is a network",
  (text) => expect(isNetwork(text)).toBe(true),
);

it.each(["10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "999.0.0.1", "::1/129", "::ffff:10.0.0.0/8", "/8", "", "host"])(
  "%j is none",
  (text) => expect(isNetwork(text)).toBe(false),
);

it("one address has one spelling", () => {
  expect(["::FFFF:10.0.0.1", "::ffff:a00:1", "10.0.0.1"].map(plainAddress)).toEqual(Array(3).fill("10.0.0.1"));
  expect(plainAddress("2001:0DB8::0001")).toBe("2001:db8::1");
  expect(plainAddress("unknown")).toBeUndefined();
});
