import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { describe, expect, it } from "vitest";

const run = promisify(execFile);

describe("npm run demo", () => {
  it("plays both clients through a kill, finds no e-mail address in its files and prints what was saved", async () => {
    const { stdout } = await run(process.execPath, ["src/main.ts", "demo"], { timeout: 100_000 });
    expect(stdout.match(/killed the gateway with -9/g)).toHaveLength(2);
    expect(stdout.match(/searched \d database files .* not found/g)).toHaveLength(1);
    const rows = stdout.split("\n").filter((line) => /^\s+(delta|replay)\s+40\s/.test(line));
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      const [, , replay = "0", sent = "0"] = row.trim().split(/\s{2,}/);
      expect(Number(sent.replaceAll(",", ""))).toBeLessThan(Number(replay.replaceAll(",", "")));
    }
  });
});
