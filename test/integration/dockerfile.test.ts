import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { execForm, parseDockerfile } from "../support/dockerfile.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const instructions = parseDockerfile(readFileSync(join(root, "Dockerfile"), "utf8"));
const textsOf = (name: string): string[] =>
  instructions.filter((instruction) => instruction.name === name).map(({ text }) => text);

const image = mkdtempSync(join(tmpdir(), "stategate-image-"));
const [workingDirectory = ""] = textsOf("WORKDIR");
const inImage = (path: string): string => join(image, path.startsWith("/") ? path : join(workingDirectory, path));
const app = inImage(workingDirectory);

const variables = Object.fromEntries(
  textsOf("ENV")
    .flatMap((text) => text.trim().split(/\s+/))
    .map((pair) => pair.split("=", 2) as [string, string]),
);
const environment: Record<string, string> = {
  ...variables,
  STATEGATE_STORE: variables["STATEGATE_STORE"]?.replace("sqlite:/data", `sqlite:${inImage("/data")}`) ?? "",
  STATEGATE_KEYS__DEVELOPMENT_KEY_FILE: inImage(variables["STATEGATE_KEYS__DEVELOPMENT_KEY_FILE"] ?? ""),
  NODE_COMPILE_CACHE: inImage(variables["NODE_COMPILE_CACHE"] ?? ""),
  // A test stays on loopback.
  STATEGATE_HOST: "127.0.0.1",
  STATEGATE_UPSTREAM_URL: "http://127.0.0.1:9/v1",
  PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
};

describe("the image, replayed in a folder", () => {
  let gateway: ChildProcess | undefined;
  let output = "";
  let exit: Promise<unknown[]> | undefined;

  beforeAll(async () => {
    replayBuild();
    environment["STATEGATE_PORT"] = String(await freePort());
    gateway = run(execForm(textsOf("CMD")[0] ?? ""));
    exit = once(gateway, "exit");
    for (const stream of [gateway.stdout, gateway.stderr]) stream?.on("data", (chunk) => (output += String(chunk)));
  }, 240_000);

  afterAll(async () => {
    gateway?.kill("SIGKILL");
    await exit;
    rmSync(image, { recursive: true });
  });

  it("holds what runs, and nothing of the workshop", () => {
    expect(readdirSync(app).toSorted()).toEqual(
      ["config", "gateway.config.yaml", "node_modules", "package-lock.json", "package.json", "src"].toSorted(),
    );
    expect(existsSync(join(app, "node_modules/hono"))).toBe(true);
    expect(existsSync(join(app, "node_modules/vitest"))).toBe(false);
  });

  it("gets healthy by its own health check", async () => {
    await expect.poll(isHealthy, { timeout: 30_000, interval: 250, message: output }).toBe(true);
  });

  it("keeps database and key in the volume, readable by the owner only", () => {
    const key = inImage("/data/development.key");
    expect(existsSync(inImage("/data/stategate.db"))).toBe(true);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(existsSync(join(app, "data"))).toBe(false);
  });

  it("ends with 0 on SIGTERM", async () => {
    gateway?.kill("SIGTERM");
    expect(await exit, output).toEqual([0, null]);
  });
});

describe("the Dockerfile", () => {
  it("listens on every address, with store and key in the volume", () => {
    expect(variables["STATEGATE_HOST"]).toBe("0.0.0.0");
    expect(textsOf("VOLUME")).toEqual(["/data"]);
    expect(variables["STATEGATE_STORE"]).toMatch(/^sqlite:\/data\//);
    expect(variables["STATEGATE_KEYS__DEVELOPMENT_KEY_FILE"]).toMatch(/^\/data\//);
  });

  it("gives the volume to an unprivileged user, and starts as that user", () => {
    const names = instructions.map(({ name, text }) => `${name} ${text}`);
    expect(textsOf("USER")).toEqual(["node"]);
    expect(names.indexOf("RUN install -d -o node -g node -m 700 /data")).toBeGreaterThan(-1);
    expect(names.indexOf("RUN install -d -o node -g node -m 700 /data")).toBeLessThan(names.indexOf("VOLUME /data"));
  });

  it("has one stage, of the Node that the package wants", () => {
    expect(textsOf("FROM")).toEqual(["node:24-slim"]);
  });

  it("copies nothing that .dockerignore leaves out", () => {
    const admitted = readFileSync(join(root, ".dockerignore"), "utf8").match(/(?<=^!).+$/gm);
    const copied = textsOf("COPY").flatMap((text) => text.split(" ").slice(0, -1));
    expect(copied.map((path) => path.replace(/\/$/, "")).toSorted()).toEqual(admitted?.toSorted());
  });
});

function replayBuild(): void {
  mkdirSync(app, { recursive: true });
  mkdirSync(inImage("/data"), { mode: 0o700 });
  for (const { name, text } of instructions) {
    if (name === "COPY") copy(text.split(" "));
    if (name === "RUN" && text.includes("npm")) install(text.replaceAll(/--mount=\S+ /g, ""));
  }
}

function copy(paths: readonly string[]): void {
  const target = paths.at(-1) ?? "";
  for (const path of paths.slice(0, -1)) {
    cpSync(join(root, path), inImage(target === "./" ? path : target), { recursive: true });
  }
}

/** The packages were fetched to install this checkout, so the cache has them. */
function install(command: string): void {
  const env = {
    ...environment,
    HOME: process.env["HOME"],
    NODE_EXTRA_CA_CERTS: process.env["NODE_EXTRA_CA_CERTS"],
    npm_config_prefer_offline: "true",
    npm_config_audit: "false",
  };
  const { status, stderr } = spawnSync(command, { cwd: app, env, shell: true, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} failed:\n${stderr}`);
}

function run([command, ...parameters]: readonly string[]): ChildProcess {
  expect(command).toBe("node");
  return spawn(process.execPath, parameters, { cwd: app, env: environment, stdio: ["ignore", "pipe", "pipe"] });
}

async function isHealthy(): Promise<boolean> {
  const [code] = (await once(run(execForm(textsOf("HEALTHCHECK")[0] ?? "")), "exit")) as [number | null];
  return code === 0;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}
