import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.ts";
import { type LoadBalancer, startLoadBalancer } from "./load-balancer.ts";
import { issueKey, runOperatorCommand } from "./run-operator-command.ts";
import { createTempFolder } from "./store-temp-folder.ts";
import { masterKeys } from "./test-master-keys.ts";

/** Gateway processes over one store, as a team would run them: keys of the gateway's own, a load balancer in front. */
export interface ReplicaFleet {
  /** Base URL of the load balancer, with `/v1`. */
  readonly url: string;
  readonly upstream: SimulatedUpstream;
  /** Those that run. */
  readonly replicas: readonly GatewayProcess[];
  /** Runs beside the gateways; resolves to a new key. */
  issueKey(...args: readonly string[]): Promise<string>;
  /** Runs beside the gateways; resolves to what it printed. */
  command(...args: readonly string[]): Promise<string>;
  /** Starts one more and puts it behind the load balancer. */
  add(): Promise<GatewayProcess>;
  /** SIGKILL. */
  kill(replica: GatewayProcess): Promise<void>;
  /** SIGTERM, and the exit code. */
  stop(replica: GatewayProcess): Promise<number | null>;
  close(): Promise<void>;
}

export async function startReplicaFleet(count: number, env: Readonly<Record<string, string>>): Promise<ReplicaFleet> {
  const folder = await createTempFolder();
  const upstream = await startSimulatedUpstream({ maxLoggedRequests: 100_000 });
  const balancer: LoadBalancer = await startLoadBalancer();
  const all = {
    STATEGATE_UPSTREAM_URL: upstream.url,
    STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator",
    STATEGATE_IDENTITY__MODE: "keys",
    STATEGATE_STORE__TIMEOUT_MS: "20000",
    ...masterKeys,
    ...env,
  };
  let replicas: GatewayProcess[] = [];
  const use = (running: GatewayProcess[]): void => {
    replicas = running;
    balancer.use(running.map(({ origin }) => origin));
  };
  const leave = (gone: GatewayProcess): void => use(replicas.filter((replica) => replica !== gone));
  use(await Promise.all(Array.from({ length: count }, () => startGatewayProcess(all))));
  const place = { folder: folder.path, env: all };
  return {
    url: balancer.url,
    upstream,
    get replicas() {
      return replicas;
    },
    issueKey: (...args) => issueKey(args, place),
    async command(...args) {
      const { code, stdout, stderr } = await runOperatorCommand(args, place);
      if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
      return stdout;
    },
    async add() {
      const replica = await startGatewayProcess(all);
      use([...replicas, replica]);
      return replica;
    },
    async kill(replica) {
      await replica.kill();
      leave(replica);
    },
    async stop(replica) {
      const code = await replica.stop();
      leave(replica);
      return code;
    },
    async close() {
      await balancer.close();
      await Promise.all(replicas.map((replica) => replica.kill()));
      await upstream.close();
      await folder.remove();
    },
  };
}
