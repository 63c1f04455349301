/** What is handed to Docker Compose, Kubernetes, Prometheus, Grafana and the collector fits the gateway that is here. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";

import manifest from "../../package.json" with { type: "json" };
import { loadConfig } from "../../src/config/load-config.ts";
import { parseComposeFile, parseEnvFile } from "../support/compose-file.ts";
import { parseDockerfile } from "../support/dockerfile.ts";
import { ask, onSession, sendChat } from "../support/http-calls.ts";
import { openRawConnection } from "../support/raw-connection.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const example = parseEnvFile(read(".env.example"));
const secrets = { ...masterKeys, GRAFANA_PASSWORD: "secret" };
const compose = parseComposeFile(read("docker-compose.yaml"), { ...example, ...secrets });
const serviceOf = (name: string) => {
  const service = compose.services[name];
  if (!service) throw new Error(`no service ${name}`);
  return service;
};
const instructions = parseDockerfile(read("Dockerfile"));
const inDockerfile = (name: string): string => instructions.find((found) => found.name === name)?.text ?? "";
const imageEnv = Object.fromEntries(
  inDockerfile("ENV")
    .trim()
    .split(/\s+/)
    .map((pair) => pair.split("=", 2) as [string, string]),
);
const PORT = Number(inDockerfile("EXPOSE"));
const IMAGE = `stategate:${manifest.version}`;
const haproxy = read("config/haproxy.cfg");
const prometheus = parse(read("config/prometheus.yml"));
const alerts = read("config/prometheus-alerts.yml");
const dashboard = JSON.parse(read("config/grafana/dashboards/stategate.json"));
const collector = parse(read("config/otel-collector.yaml"));

const [deployment, service] = parseAllDocuments(read("config/kubernetes.yaml")).map((document) => document.toJS());
const pod = deployment.spec.template.spec;
const [container] = pod.containers;

interface KubernetesVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}

const kubernetesSecrets: Readonly<Record<string, string>> = {
  "master-keys": masterKeys.STATEGATE_MASTER_KEYS,
  store: "rediss://user:password@redis.internal:6379",
  "admin-key": "b".repeat(64),
};
const kubernetesEnv = Object.fromEntries(
  (container.env as KubernetesVariable[]).map(({ name, value, valueFrom }) => [
    name,
    value ?? kubernetesSecrets[valueFrom?.secretKeyRef.key ?? ""] ?? "",
  ]),
);
const environments = [
  { place: "docker-compose.yaml", env: serviceOf("gateway").environment ?? {} },
  { place: "config/kubernetes.yaml", env: kubernetesEnv },
];
const load = (env: Readonly<Record<string, string>>) =>
  loadConfig({ cwd: root, env: { ...imageEnv, ...env, NODE_COMPILE_CACHE: "" } });

describe.each(environments)("the gateways of $place", ({ place, env }) => {
  it("have a configuration that loads, for production, with a store that replicas share", () => {
    const config = load(env);
    expect([config.production, config.http.host, config.http.port]).toEqual([true, "0.0.0.0", PORT]);
    expect(config.store.address.expose()).toMatch(/^rediss?:/);
    expect(Object.keys(env).filter((name) => !/^(?:STATEGATE|OTEL)_/.test(name))).toEqual([]);
  });

  it("do not start without master keys", () => {
    expect(() => load({ ...env, STATEGATE_MASTER_KEYS: "" })).toThrow(/masterKeys/);
  });

  it("are given the time to drain and to end a summary", () => {
    const { http, history } = load(env);
    const grace = place.includes("kubernetes")
      ? pod.terminationGracePeriodSeconds
      : Number.parseInt(serviceOf("gateway").stop_grace_period ?? "", 10);
    const needed = http.drainDelayMs + http.drainTimeoutMs + history.summary.timeoutMs;
    expect(http.drainDelayMs).toBeGreaterThan(0);
    expect(grace * 1000).toBeGreaterThan(needed);
  });
});

describe("docker-compose.yaml", () => {
  it("pins every image, and builds ours under the version of the package", () => {
    const images = Object.values(compose.services).map(({ image }) => image);
    expect(images.filter((image) => !/:v?\d+\.\d+\.\d+(?:-\w+)?$/.test(image))).toEqual([]);
    expect(serviceOf("gateway").image).toBe(IMAGE);
  });

  it("asks for secrets by name: none is in the repository", () => {
    const given = Object.entries(example).filter(([, value]) => value !== "");
    expect(given.map(([name]) => name)).toEqual(["STATEGATE_UPSTREAM_URL"]);
    expect(() => parseComposeFile(read("docker-compose.yaml"), example)).toThrow(/copy \.env\.example/);
    expect(read(".gitignore").split("\n")).toContain(".env");
  });

  it("mounts files that are there, and volumes that it declares", () => {
    const sources = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(":", 1)[0] ?? ""),
    );
    const isThere = (source: string): boolean =>
      source.startsWith("./") ? existsSync(join(root, source)) : source in compose.volumes;
    expect(sources.filter((source) => !isThere(source))).toEqual([]);
  });

  it("opens ports of the host to the host alone, and the gateway's behind the load balancer", () => {
    const ports = Object.values(compose.services).flatMap((each) => each.ports ?? []);
    expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
    expect(serviceOf("gateway").ports).toBeUndefined();
    expect(haproxy).toContain(`bind :${PORT}`);
    expect(haproxy).toContain(` gateway:${PORT} `);
  });

  it("keeps what Redis holds, and refuses writes rather than forget", () => {
    const command = (serviceOf("redis")["command"] as string[]).join(" ");
    expect(command).toContain("--appendonly yes");
    expect(command).toContain("--maxmemory-policy noeviction");
  });

  it("lets the load balancer wait longer than the gateway waits for the model", () => {
    const minutes = Number(/timeout server (\d+)m/.exec(haproxy)?.[1]);
    expect(minutes * 60_000).toBeGreaterThan(load({ ...masterKeys }).upstream.timeouts.firstByteMs);
  });
});

describe("config/kubernetes.yaml", () => {
  it("runs our image as the user of the image, who writes into its volume alone", () => {
    expect(container.image).toBe(IMAGE);
    // The image's user `node` has the number 1000, and so has its group.
    expect(inDockerfile("USER")).toBe("node");
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 });
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
    expect(container.volumeMounts).toEqual([{ name: "data", mountPath: inDockerfile("VOLUME") }]);
    expect(imageEnv["NODE_COMPILE_CACHE"]).toMatch(new RegExp(`^${inDockerfile("VOLUME")}/`));
  });

  it("takes every secret from the Secret whose making it describes", () => {
    const refs = (container.env as KubernetesVariable[]).flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []);
    const described = [...read("config/kubernetes.yaml").matchAll(/--from-literal=([\w-]+)=/g)].map(([, key]) => key);
    expect(refs.map(({ key }) => key).toSorted()).toEqual(described.toSorted());
    expect(new Set(refs.map(({ name }) => name))).toEqual(new Set(["stategate"]));
  });

  it("leads the service to the port of the pods, by labels that they have", () => {
    expect(deployment.spec.template.metadata.labels).toMatchObject(service.spec.selector);
    expect(deployment.spec.selector.matchLabels).toEqual(service.spec.selector);
    expect(container.ports).toEqual([{ name: service.spec.ports[0].targetPort, containerPort: PORT }]);
    expect(deployment.spec.template.metadata.annotations["prometheus.io/port"]).toBe(String(PORT));
  });
});

describe("the collector", () => {
  it("receives OTLP/HTTP where the gateways send it, of both kinds that they send", () => {
    const endpoint = new URL(serviceOf("gateway").environment?.["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "");
    expect(endpoint.hostname).toBe("otel-collector");
    expect(collector.receivers.otlp.protocols.http.endpoint).toBe(`0.0.0.0:${endpoint.port}`);
    expect(Object.keys(collector.service.pipelines).toSorted()).toEqual(["logs", "metrics"]);
  });

  it.each(["receivers", "processors", "exporters"])(
    "defines the %s that it uses, and uses those it defines",
    (kind) => {
      const used = Object.values<Record<string, string[]>>(collector.service.pipelines).flatMap(
        (pipeline) => pipeline[kind] ?? [],
      );
      expect([...new Set(used)].toSorted()).toEqual(Object.keys(collector[kind]).toSorted());
    },
  );
});

describe("Prometheus and Grafana", () => {
  it("find the gateways by the name of their service, the rules and the dashboard", () => {
    expect(prometheus.scrape_configs[0].dns_sd_configs[0]).toMatchObject({ names: ["gateway"], port: PORT });
    const mounts = serviceOf("prometheus").volumes?.map((volume) => volume.split(":")[1]);
    expect(mounts).toContain(`/etc/prometheus/${prometheus.rule_files[0]}`);
    const provider = parse(read("config/grafana/provisioning/dashboards/stategate.yaml")).providers[0];
    expect(serviceOf("grafana").volumes).toContain(`./config/grafana/dashboards:${provider.options.path}:ro`);
  });

  it("the dashboard asks the data source that is provisioned", () => {
    const [source] = parse(read("config/grafana/provisioning/datasources/prometheus.yaml")).datasources;
    const uids = [...JSON.stringify(dashboard).matchAll(/"datasource":\{[^}]*"uid":"(\w+)"/g)].map(([, uid]) => uid);
    expect(new Set(uids)).toEqual(new Set([source.uid]));
  });
});

describe("a gateway that runs", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway({
      env: {
        STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
        STATEGATE_HISTORY__FLOOR_TOKENS: "0",
        STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "60",
      },
    });
  });
  afterAll(() => gateway.close());

  it("answers where probes, health checks and Prometheus ask", async () => {
    const probes = ["startupProbe", "livenessProbe", "readinessProbe"].map((name) => container[name].httpGet);
    expect(probes.map(({ port }) => port)).toEqual(["http", "http", "http"]);
    const scraped = deployment.spec.template.metadata.annotations["prometheus.io/path"];
    for (const path of [...probes.map(({ path }) => path), scraped]) {
      expect([path, (await fetch(`${gateway.origin}${path}`)).status]).toEqual([path, 200]);
    }
  });

  it("is ready for HAProxy, whose check is sent as it says", async () => {
    const line = /http-check send meth (\w+) uri (\S+) ver (\S+) hdr Host (\S+)/.exec(haproxy) ?? [];
    const [, method, path, version, host] = line;
    const connection = await openRawConnection(gateway.origin);
    connection.write(`${method} ${path} ${version}\r\nHost: ${host}\r\n\r\n`);
    expect((await connection.answer()).status).toBe(200);
    connection.close();
  });

  it("has every metric and label that alerts and dashboard name", async () => {
    const filler = "a long story that must be told in many words ".repeat(30);
    for (let turn = 0; turn < 25; turn += 1) {
      // The last summaries fail, so that something is degraded.
      if (turn === 15) gateway.upstream.steerSummaries("[[error:500]]");
      const text = `turn ${turn}: my address is ada${turn}@example.org, ${filler} [[len:1]]`;
      await sendChat(gateway, ask(text, { stream: true }), { headers: onSession("long") });
      await gateway.flush();
    }
    const metrics = await gateway.metrics();
    const there = new Set(metrics.match(/^\w+(?=\{)|\w+(?==")/gm));
    const panels = dashboard.panels as readonly { readonly targets?: readonly { readonly expr: string }[] }[];
    const queries = [alerts, ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))];
    const named = new Set(queries.flatMap((query) => query.match(/\b(?:stategate|gen_ai|http)_\w+/g) ?? []));
    expect(named.size).toBeGreaterThan(20);
    expect([...named].filter((name) => !there.has(name))).toEqual([]);
  });
});
