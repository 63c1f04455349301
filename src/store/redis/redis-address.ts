/** What `redis://`, `rediss://`, `redis+cluster://` and `rediss+cluster://` addresses say. */
export interface RedisAddress {
  /** Of a cluster: some nodes to ask for the others. Otherwise one. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly isCluster: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly database?: number;
  /** Absent without TLS. Paths of PEM files. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

const SHAPE = /^(rediss?)(\+cluster)?:\/\/(.*@)?([^/?#]+)([/?].*)?$/i;
const TLS_FILES = new Map([
  ["tlsCa", "ca"],
  ["tlsCert", "cert"],
  ["tlsKey", "key"],
]);

/** @throws TypeError that repeats nothing of the address but its scheme: the rest may hold a password */
export function parseRedisAddress(address: string): RedisAddress {
  const [, protocol = "", cluster = "", credentials = "", hosts = "", rest = ""] = SHAPE.exec(address) ?? [];
  const scheme = /^[a-z+]*/i.exec(address)?.[0].toLowerCase() ?? "";
  const isCluster = cluster !== "";
  const refuse = (reason: string): never => {
    throw new TypeError(`store ${scheme}: ${reason}`);
  };
  const parse = (url: string): URL => {
    const parsed = URL.parse(url);
    if (parsed && parsed.hostname !== "") return parsed;
    return refuse(`needs a URL, as in ${scheme}://${isCluster ? "host1:6379,host2:6379" : "host:6379"}`);
  };

  const names = hosts.split(",");
  const urls = names.map((host) => parse(`redis://${host}`));
  const { username, password, pathname, searchParams } = parse(`redis://${credentials}${names[0]}${rest}`);
  if (names.length > 1 && !isCluster) refuse(`names one server; several are ${scheme}+cluster://`);
  if (isCluster && pathname.length > 1) refuse("a cluster has no numbered databases");
  if (!/^\/?\d*$/.test(pathname)) refuse("the path is the number of a database");
  const files = tlsFiles(searchParams, refuse);
  if (files.size > 0 && protocol.toLowerCase() === "redis") refuse("tlsCa, tlsCert and tlsKey are for rediss");
  return {
    nodes: urls.map(({ hostname, port }) => ({
      host: hostname.replaceAll(/[[\]]/g, ""),
      port: port === "" ? 6379 : Number(port),
    })),
    isCluster,
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
    ...(pathname.length > 1 && { database: Number(pathname.slice(1)) }),
    ...(protocol.toLowerCase() === "rediss" && { tls: Object.fromEntries(files) }),
  };
}

function tlsFiles(parameters: URLSearchParams, refuse: (reason: string) => never): Map<string, string> {
  const files = new Map<string, string>();
  for (const [name, path] of parameters) {
    const option = TLS_FILES.get(name);
    if (option === undefined || path === "") refuse("takes the parameters tlsCa, tlsCert and tlsKey only, each a path");
    else files.set(option, path);
  }
  return files;
}
