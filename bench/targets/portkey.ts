import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { startGateway } from "./start-gateway.ts";
import type { TargetKind } from "./target.ts";

export const PORTKEY_VERSION = "1.15.2";

const FOLDER = fileURLToPath(new URL("../.peers/portkey", import.meta.url));
const SERVER = join(FOLDER, "node_modules/@portkey-ai/gateway/build/start-server.js");
const LOOPBACK = new URL("./listen-on-loopback.ts", import.meta.url).href;

/** Portkey's gateway from npm, as its README starts it; it keeps no state. */
export const portkey: TargetKind = {
  name: "Portkey",
  open(rig) {
    install();
    return startGateway(rig, {
      name: "Portkey",
      command: (port) => [process.execPath, "--import", LOOPBACK, SERVER, `--port=${port}`, "--headless"],
      healthPath: "/",
      headers: {
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": `http://127.0.0.1:${rig.upstreamPort}/v1`,
      },
      hasMemory: false,
    });
  },
};

/**
 * From 1.14 on, the adapter in Portkey's range hands out immutable headers, on which every streamed answer fails with 500
 * (`TypeError: immutable`). The last adapter with which its streams work is the fair one to measure.
 */
const manifest = {
  private: true,
  dependencies: { "@portkey-ai/gateway": PORTKEY_VERSION },
  overrides: { "@hono/node-server": "1.13.8" },
};

/** Once, into an ignored folder, without running anything the packages bring. */
function install(): void {
  if (existsSync(SERVER)) return;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, "package.json"), JSON.stringify(manifest));
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  const { status, stderr } = spawnSync("npm", ["install", ...flags], { cwd: FOLDER, encoding: "utf8" });
  if (status !== 0) throw new Error(`cannot install @portkey-ai/gateway ${PORTKEY_VERSION}: ${stderr?.trim()}`);
}
