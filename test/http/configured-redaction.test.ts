import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ask, freshSession, onSession, sendChat, storedMessages } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const CONFIGURED = `
redaction:
  allow: [support@acme.com]
  patterns:
    - { name: EMPLOYEE_ID, pattern: '\\bE[0-9]{6}\\b' }
`;

const folder = mkdtempSync(join(tmpdir(), "stategate-patterns-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("kinds and values that the operator names", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    writeFileSync(join(folder, "gateway.config.yaml"), CONFIGURED);
    gateway = await startTestGateway({ folder });
  });
  afterAll(() => gateway.close());

  it("are withheld and left alone in what is stored, counted in headers and metrics", async () => {
    const id = freshSession();
    const session = { headers: onSession(id) };
    await sendChat(gateway, ask("[[len:2]] E123456 mails support@acme.com and jane@acme.com"), session);
    const second = await sendChat(gateway, ask("[[len:2]] and now?"), session);
    const [message] = await storedMessages(gateway, id);
    expect(message?.content).toMatch(/\[EMPLOYEE_ID_[0-9a-f]{8}\] mails support@acme\.com and \[EMAIL_[0-9a-f]{8}\]$/);
    expect(second.headers.get("x-redactions-in-context")).toBe("2");
    await gateway.flush();
    expect(await gateway.metrics()).toMatch(/stategate_redactions\w*\{[^}]*"EMPLOYEE_ID"[^}]*\} 1/);
  });
});

describe("patterns that are wrong", () => {
  it("are all named before anything is opened", async () => {
    const wrong = mkdtempSync(join(folder, "wrong-"));
    const patterns = "[{ name: AHEAD, pattern: 'a(?=b)' }, { name: EMAIL, pattern: x }]";
    writeFileSync(join(wrong, "gateway.config.yaml"), `redaction: { patterns: ${patterns} }`);
    await expect(startTestGateway({ folder: wrong })).rejects.toThrow(
      /redaction\.patterns\.0\.pattern: [^]*redaction\.patterns\.1\.name: EMAIL is built in/,
    );
    expect(existsSync(join(wrong, "stategate.db"))).toBe(false);
  });
});
