import { describe, expect, it } from "vitest";

import { parseRedisAddress } from "../../../src/store/redis/redis-address.ts";

const one = { nodes: [{ host: "h", port: 6379 }], isCluster: false };

describe("an address of Redis", () => {
  it.each([
    ["redis://h", one],
    ["REDIS://h/", one],
    ["redis://h:7000/3", { ...one, nodes: [{ host: "h", port: 7000 }], database: 3 }],
    ["redis://:secret@h", { ...one, password: "secret" }],
    ["redis://ada:p%40ss%2Fw%3Ard@h", { ...one, username: "ada", password: "p@ss/w:rd" }],
    ["redis://ada:p@ss@h", { ...one, username: "ada", password: "p@ss" }],
    ["redis://[::1]:7000", { ...one, nodes: [{ host: "::1", port: 7000 }] }],
    ["rediss://h", { ...one, tls: {} }],
    [
      "rediss://h?tlsCa=/a%20b.pem&tlsCert=c.pem&tlsKey=k.pem",
      { ...one, tls: { ca: "/a b.pem", cert: "c.pem", key: "k.pem" } },
    ],
  ])("%s names one server", (address, parsed) => {
    expect(parseRedisAddress(address)).toEqual(parsed);
  });

  it("of a cluster names some of its nodes", () => {
    const nodes = [
      { host: "a", port: 7000 },
      { host: "::1", port: 7001 },
      { host: "c", port: 6379 },
    ];
    const credentials = { username: "ada", password: "x,y" };
    expect(parseRedisAddress("redis+cluster://ada:x%2Cy@a:7000,[::1]:7001,c")).toEqual({
      nodes,
      isCluster: true,
      ...credentials,
    });
    expect(parseRedisAddress("rediss+cluster://a:7000?tlsCa=ca.pem")).toEqual({
      nodes: nodes.slice(0, 1),
      isCluster: true,
      tls: { ca: "ca.pem" },
    });
  });
});
