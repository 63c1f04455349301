import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startSimulatedUpstream, type SimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, freshSession, lastSent, onSession, send, sendChat } from "../support/http-calls.ts";
import { findInClear, readFolder } from "../support/resting-bytes.ts";
import { runOperatorCommand } from "../support/run-operator-command.ts";
import { countTokens, startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "stategate-tenants-"));
  folders.push(folder);
  return folder;
};
let upstream: SimulatedUpstream;
beforeAll(async () => void (upstream = await startSimulatedUpstream({ countTokens: await countTokens() })));
afterAll(async () => {
  await upstream.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const chat = (gateway: TestGateway, key: string, id: string, text = "hi") =>
  sendChat(gateway, ask(text), { key, headers: onSession(id) });
const status = async (gateway: TestGateway, key: string, id: string): Promise<number> =>
  (await send(gateway, `/sessions/${id}`, { key })).status;

describe("several keys of one tenant, by configuration", () => {
  const config = `
identity:
  tenants:
    - name: acme
      credentials: [sk-acme-old, "sha256:${sha256("sk-acme-new")}"]
    - name: other
      credentials: [sk-other]`;
  const open = async (text: string, env: Record<string, string> = {}): Promise<TestGateway> => {
    const folder = newFolder();
    writeFileSync(join(folder, "gateway.config.yaml"), text);
    return startTestGateway({ folder, upstream, env });
  };

  it("find the same sessions, and keys of no tenant or another find nothing", async () => {
    const gateway = await open(config);
    const id = freshSession();
    await chat(gateway, "sk-acme-old", id, "I am with acme");
    await chat(gateway, "sk-acme-new", id, "and still");
    expect(lastSent(gateway)[0]).toBe("user: I am with acme");
    expect(await status(gateway, "sk-other", id)).toBe(404);
    expect(await status(gateway, "sk-unlisted", id)).toBe(404);
    expect(await status(gateway, `sha256:${sha256("sk-acme-old")}`, id)).toBe(404);
    await gateway.close();
  });

  it("are subdivided by X-User-Id all the same", async () => {
    const gateway = await open(config);
    const id = freshSession();
    const headers = (user: string) => ({ ...onSession(id), "x-user-id": user });
    await sendChat(gateway, ask("hi"), { key: "sk-acme-old", headers: headers("ada") });
    const read = (user: string) =>
      send(gateway, `/sessions/${id}`, { key: "sk-acme-new", headers: { "x-user-id": user } });
    expect([(await read("ada")).status, (await read("bob")).status]).toEqual([200, 404]);
    await gateway.close();
  });

  it("are the only ones that may use the gateway's own upstream key", async () => {
    const gateway = await open(config, { STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator" });
    expect((await send(gateway, "/models", { key: "sk-acme-old" })).status).toBe(200);
    for (const answer of [
      await send(gateway, "/models", { key: "sk-unlisted" }),
      await chat(gateway, "sk-unlisted", freshSession()),
      await send(gateway, "/sessions", { key: "sk-unlisted" }),
    ]) {
      expect(answer.json()).toMatchObject({ error: { code: "credential_refused" } });
    }
    await gateway.close();
  });
});

describe("stategate tenants relink", () => {
  const relink = (folder: string, input: string) => runOperatorCommand(["tenants", "relink"], { folder, input });

  it("lets a new key find every session of the old one, on a running gateway and after a restart", async () => {
    const folder = newFolder();
    const gateway = await startTestGateway({ folder, upstream });
    const ids = Array.from({ length: 5 }, () => freshSession());
    for (const id of ids) await chat(gateway, "sk-old-key", id, `said in ${id}`);
    expect(await relink(folder, "sk-old-key\nsk-new-key\n")).toMatchObject({ code: 0 });
    await expect.poll(() => status(gateway, "sk-new-key", ids[0] ?? ""), { timeout: 20_000 }).toBe(200);
    await gateway.restart();
    for (const id of ids) {
      await chat(gateway, "sk-new-key", id, "go on");
      expect(lastSent(gateway)[0]).toBe(`user: said in ${id}`);
    }
    expect(await status(gateway, "sk-third-key", ids[0] ?? "")).toBe(404);
    // Rotated again: links never lead to links.
    expect(await relink(folder, "sk-new-key\nsk-newest-key\n")).toMatchObject({ code: 0 });
    await gateway.restart();
    for (const id of ids) expect(await status(gateway, "sk-newest-key", id)).toBe(200);
    await gateway.close();
    expect(findInClear(await readFolder(folder), ["sk-old-key", "sk-new-key", "sk-newest-key"])).toEqual([]);
  });

  it.each([
    ["one key", "sk-a\n"],
    ["three keys", "sk-a\nsk-b\nsk-c\n"],
    ["no key", "\n"],
    ["the same key twice", "sk-a\nsk-a\n"],
  ])("refuses %s, and shows none of them", async (_, input) => {
    const { code, stdout, stderr } = await relink(newFolder(), input);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).not.toContain("sk-");
  });
});
