import { createSecretKey, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { encodeRow } from "../../../src/audit/audit-rows.ts";
import { type AuditSigner, createAuditSigner } from "../../../src/audit/audit-signer.ts";
import { signReceipt } from "../../../src/audit/receipt.ts";
import { runOperatorCommand } from "../../support/run-operator-command.ts";
import { auditWorld } from "../audit/audit-fixtures.ts";

describe("stategate audit verify, offline", () => {
  const folder = mkdtempSync(join(tmpdir(), "stategate-audit-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const world = auditWorld();
  const { publicKey } = world.signer;
  let lines: string[] = [];
  beforeAll(async () => {
    const audit = world.openLog();
    for (let count = 0; count < 100; count += 1) audit.record({ event: "session_created" });
    await audit.close();
    lines = (await world.rows()).map(encodeRow);
  });

  const put = (name: string, content: readonly string[]): string => {
    const path = join(folder, name);
    writeFileSync(path, content.map((line) => `${line}\n`).join(""));
    return path;
  };
  // No store, no key, no folder that exists: what is checked offline needs nothing of the gateway.
  const verify = (...args: readonly string[]) =>
    runOperatorCommand(["audit", "verify", ...args], { folder: "/nonexistent", env: { STATEGATE_PORT: "none" } });

  it("takes an export as it is", async () => {
    const { code, stdout, stderr } = await verify("--file", put("whole.jsonl", lines), "--public-key", publicKey);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(`103 entries in 1 chains, signed with ${publicKey}\n`);
  });

  it("names what is wrong, and fails", async () => {
    const path = put("without-one.jsonl", lines.toSpliced(40, 1));
    const { code, stderr } = await verify("--file", path, "--public-key", publicKey);
    expect(code).toBe(1);
    expect(stderr).toMatch(/chain [0-9a-f]{32}, entry 40: 1 entries are gone\n/);
    expect(stderr).toContain("1 faults");
  });

  it("misses what a gateway's standard output has shown before", async () => {
    const cut = put("cut.jsonl", lines.slice(0, 65));
    const out = put("stdout.txt", [
      "stategate listens on …",
      ...world.forwarded.slice(0, 80),
      '{"v":1,"chain":"aaaa… #7 replay',
    ]);
    expect((await verify("--file", cut, "--public-key", publicKey)).code).toBe(0);
    const { code, stderr } = await verify("--file", cut, "--public-key", publicKey, "--seen", out);
    expect(code).toBe(1);
    expect(stderr).toContain("was seen, and the chain ends before it");
  });

  it("knows a genuine receipt from a changed one", async () => {
    const signed = signReceipt(world.signer, { erased: 3 });
    const good = put("receipt.json", [JSON.stringify(signed)]);
    const bad = put("changed.json", [JSON.stringify({ ...signed, receipt: { erased: 4 } })]);
    expect(await verify("--receipt", good, "--public-key", publicKey)).toMatchObject({ code: 0 });
    expect(await verify("--receipt", bad, "--public-key", publicKey)).toMatchObject({ code: 1 });
    const nothing = put("nothing.json", ["{}"]);
    expect(await verify("--receipt", nothing, "--public-key", publicKey)).toMatchObject({ code: 1 });
  });

  it("takes a key that begins with a dash, as one in 64 does", async () => {
    const signer = signerWhoseKeyBeginsWith("-");
    const receipt = put("dashed.json", [JSON.stringify(signReceipt(signer, { erased: 3 }))]);
    expect(await verify("--receipt", receipt, "--public-key", signer.publicKey)).toMatchObject({ code: 0 });
  });

  it.each([
    ["a file without a key", ["--file", "x.jsonl"], 1],
    ["a key that is none", ["--file", "x.jsonl", "--public-key", "abc"], 1],
    ["a file that is not there", ["--file", join(folder, "nowhere"), "--public-key", publicKey], 1],
    ["a file that is no export", ["--file", put("other.jsonl", ["{}"]), "--public-key", publicKey], 1],
    ["a file without a line", ["--file", put("empty.jsonl", []), "--public-key", publicKey], 1],
    ["an option that it does not know", ["--fiel", "x"], 2],
  ])("complains about %s", async (_what, args, code) => {
    const outcome = await verify(...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(/^stategate audit verify: /);
  });
});

function signerWhoseKeyBeginsWith(start: string): AuditSigner {
  const signer = createAuditSigner(createSecretKey(randomBytes(32)));
  return signer.publicKey.startsWith(start) ? signer : signerWhoseKeyBeginsWith(start);
}
