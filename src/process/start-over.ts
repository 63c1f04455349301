import { accessSync, constants } from "node:fs";
import { flushCompileCache, getCompileCacheDir } from "node:module";

import type { GatewayConfig } from "../config/gateway-config.ts";
import { loadStore } from "../store/open-store.ts";

/** Set for a process that stands in the place of another: it does not do so again. */
const STARTED_OVER = "_STATEGATE_STARTED_OVER";

/** Node's type stripper. A process that loads it keeps it, and so does its thread that writes to SQLite: 30 MB together. */
const STRIPPER = "NativeModule internal/deps/amaro/dist/index";

/**
 * Where this process had to compile sources, at a first start or the first of a new release, and Node may keep what came of
 * it: compiles what else a gateway needs and puts a fresh process, of the same number, in the place of this one.
 */
export async function startOverIfCompiled({ store }: GatewayConfig, env: NodeJS.ProcessEnv): Promise<void> {
  if (env[STARTED_OVER] || process.platform === "win32" || !hasCompiled() || !keepsCompiled()) return;
  // What cannot be loaded is for the next one to complain about.
  await Promise.allSettled([import("./serve.ts"), loadStore(store.address.expose())]);
  flushCompileCache();
  const { execPath, execArgv, argv } = process;
  process.execve?.(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, [STARTED_OVER]: "1" });
}

function hasCompiled(): boolean {
  const { moduleLoadList } = process as NodeJS.Process & { readonly moduleLoadList?: readonly string[] };
  return moduleLoadList?.includes(STRIPPER) === true;
}

function keepsCompiled(): boolean {
  const directory = getCompileCacheDir();
  try {
    if (directory !== undefined) accessSync(directory, constants.W_OK);
    return directory !== undefined;
  } catch {
    return false;
  }
}
