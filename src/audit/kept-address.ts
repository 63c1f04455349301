import { isIPv4, isIPv6 } from "node:net";

export type AddressDetail = "full" | "truncated" | "off";

/** What is kept of an address: itself, its network (/24, /48), or nothing. What is no address is not kept. */
export function keptAddress(address: string | undefined, detail: AddressDetail): string | undefined {
  if (address === undefined || detail === "off") return undefined;
  // A dual-stack socket shows IPv4 as `::ffff:203.0.113.9`, and a link-local address with its zone.
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (isIPv4(plain)) return detail === "full" ? plain : `${plain.split(".").slice(0, 3).join(".")}.0/24`;
  if (!isIPv6(plain)) return undefined;
  return detail === "full" ? plain : `${siteOf(plain)}::/48`;
}

/** The first three groups, with those that `::` stands for. */
function siteOf(address: string): string {
  const [head = ""] = address.toLowerCase().split("::", 1);
  const groups = head === "" ? [] : head.split(":");
  return [groups[0] ?? "0", groups[1] ?? "0", groups[2] ?? "0"]
    .map((group) => parseInt(group, 16).toString(16))
    .join(":");
}
