const loopbackHosts = new Set(["127.0.0.1", "::1", "[::1]", "localhost"]);

/** Whether nobody outside this machine can mean the host. */
export const isLoopback = (host: string): boolean => loopbackHosts.has(host);
