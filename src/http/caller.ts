import type { IncomingMessage } from "node:http";

import type { Caller } from "../identity/principal.ts";
import { createNetworkList, type NetworkList, plainAddress } from "../kit/network-list.ts";

/** Who sent a request, as far as the connection and its headers tell. */
export type CallerReader = (incoming: IncomingMessage) => Caller;

/** @param trustedProxies addresses and networks whose `X-Forwarded-For` counts; nothing else says where a request comes from */
export function createCallerReader(trustedProxies: readonly string[]): CallerReader {
  const trusted = createNetworkList(trustedProxies);
  return ({ method = "GET", headers, socket }) => {
    const peer = plainAddress(socket.remoteAddress ?? "") ?? "";
    const forwardedFor = headers["x-forwarded-for"];
    const address = forwardedFor === undefined ? peer : clientAddress(peer, String(forwardedFor), trusted);
    return { method, headers, address };
  };
}

/**
 * Each proxy adds at the end the address it was asked from. Read from there, an entry counts as long as the one that
 * wrote it is trusted; what a client wrote itself stands further left and is never reached.
 */
function clientAddress(peer: string, forwardedFor: string, trusted: NetworkList): string {
  let address = peer;
  for (const entry of forwardedFor.split(",").toReversed()) {
    if (!trusted.has(address)) break;
    const before = plainAddress(withoutPort(entry.trim()));
    // `unknown`, or a name: the last address that somebody trusted is as far as it can be followed.
    if (before === undefined) break;
    address = before;
  }
  return address;
}

/** `192.0.2.1:4711` and `[2001:db8::1]:4711`, which some proxies write. */
const withoutPort = (entry: string): string =>
  entry.replace(/^\[([^\]]*)\](?::\d+)?$/, "$1").replace(/^(\d+(?:\.\d+){3}):\d+$/, "$1");
