import { BlockList, isIP, SocketAddress } from "node:net";

/** Addresses and networks. */
export interface NetworkList {
  /** An IPv4 address is found in whichever of its two forms it comes. Anything that is no address is not in it. */
  has(address: string): boolean;
}

/** @throws TypeError for what is neither an address nor a network in CIDR notation */
export function createNetworkList(networks: readonly string[]): NetworkList {
  const list = new BlockList();
  for (const network of networks) {
    const { address, prefix } = parseNetwork(network);
    list.addSubnet(address, prefix, familyOf(address));
  }
  return {
    has(address) {
      if (networks.length === 0) return false;
      const plain = plainAddress(address);
      return plain !== undefined && list.check(plain, familyOf(plain));
    },
  };
}

export function isNetwork(text: string): boolean {
  try {
    parseNetwork(text);
    return true;
  } catch {
    return false;
  }
}

/** One spelling per address: IPv6 in its short form, IPv4 without the IPv6 around it; `undefined` when it is none. */
export function plainAddress(text: string): string | undefined {
  const bare = text.replace(/%.*$/, "");
  const version = isIP(bare);
  if (version === 0) return undefined;
  if (version === 4) return bare;
  const { address } = new SocketAddress({ address: bare, family: "ipv6" });
  return address.startsWith(MAPPED) && isIP(address.slice(MAPPED.length)) === 4
    ? address.slice(MAPPED.length)
    : address;
}

const MAPPED = "::ffff:";
const MAPPED_BITS = 96;

const familyOf = (address: string): "ipv4" | "ipv6" => (address.includes(":") ? "ipv6" : "ipv4");

function parseNetwork(text: string): { readonly address: string; readonly prefix: number } {
  const [written = "", bits] = text.split("/", 2);
  const address = plainAddress(written);
  if (address === undefined) throw new TypeError("neither an address nor a network");
  const isMapped = written.includes(":") && !address.includes(":");
  const longest = address.includes(":") ? 128 : 32;
  const prefix = bits === undefined ? longest : Number(bits) - (isMapped ? MAPPED_BITS : 0);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > longest)
    throw new TypeError("a network of an impossible size");
  return { address, prefix };
}
