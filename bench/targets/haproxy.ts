import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { startGateway } from "./start-gateway.ts";
import type { TargetKind } from "./target.ts";

/** "2.6.12", or `undefined` where it is not installed. */
export function haproxyVersion(): string | undefined {
  const { stdout } = spawnSync("haproxy", ["-v"], { encoding: "utf8" });
  return /version (\d[\d.]*\d)/.exec(stdout ?? "")?.[1];
}

/** What a proxy in C costs that passes everything on: one thread, no logs, connections kept on both sides. */
export const haproxy: TargetKind = {
  name: "haproxy",
  async open(rig) {
    if (haproxyVersion() === undefined) throw new Error("haproxy is not installed");
    return startGateway(rig, {
      name: "haproxy",
      command(port) {
        const file = join(rig.folder, `haproxy-${port}.cfg`);
        writeFileSync(file, configuration(port, rig.upstreamPort));
        // -db: stay in the foreground, as the process that is measured and ended.
        return ["haproxy", "-db", "-f", file];
      },
      healthPath: "/",
      headers: {},
      hasMemory: false,
    });
  },
};

const configuration = (port: number, upstreamPort: number): string => `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 1m
  timeout server 1m
listen bench
  bind 127.0.0.1:${port}
  server upstream 127.0.0.1:${upstreamPort}
`;
