import { findFreePort } from "../rig/free-port.ts";
import { waitUntilReady } from "../rig/wait-until-ready.ts";
import type { Rig, Target } from "./target.ts";

export interface GatewayCommand extends Pick<Target, "name" | "healthPath" | "headers" | "hasMemory" | "store"> {
  readonly command: (port: number) => readonly [string, ...string[]];
  readonly env?: (port: number) => Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts a gateway on its core and measures how long it takes to answer. */
export async function startGateway(rig: Rig, gateway: GatewayCommand): Promise<Target> {
  const { command, env, cwd, ...target } = gateway;
  const { name, healthPath: path } = target;
  const port = await findFreePort();
  const [file, ...rest] = [...rig.cores.gatewayPrefix, ...command(port)];
  if (file === undefined) throw new TypeError("an empty command");
  const startedAt = performance.now();
  const process = rig.processes.start({
    name,
    command: [file, ...rest],
    env: { NODE_ENV: "production", ...env?.(port) },
    ...(cwd && { cwd }),
  });
  await waitUntilReady({ name, process, port, path });
  const readyMs = performance.now() - startedAt;
  const restart = async (): Promise<Target> => {
    await process.stop();
    return startGateway(rig, gateway);
  };
  return { ...target, port, process, readyMs, restart };
}
