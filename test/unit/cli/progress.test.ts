import { describe, expect, it } from "vitest";

import { createProgress } from "../../../src/cli/progress.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";

function open(isTTY: boolean) {
  const { now, advance } = createHandClock();
  const written: string[] = [];
  const stderr = { isTTY, write: (text: string) => written.push(text) };
  return { progress: createProgress({ stderr, clock: now }), advance, written };
}

describe("the progress of a command", () => {
  it("is a bar on a terminal, which is written over and goes away", () => {
    const { progress, advance, written } = open(true);
    progress.show("copying 1 of 4 sessions", 0.25);
    expect(written).toEqual([]);
    advance(100);
    progress.show("copying 2 of 4 sessions", 0.5);
    progress.show("copying 3 of 4 sessions", 0.75);
    expect(written).toEqual([`\r\u001b[K${"█".repeat(12)}${"░".repeat(12)}  50 %  copying 2 of 4 sessions`]);
    progress.end();
    progress.end();
    expect(written.slice(1)).toEqual(["\r\u001b[K"]);
  });

  it("is a line every five seconds elsewhere", () => {
    const { progress, advance, written } = open(false);
    for (let second = 0; second < 12; second += 1) {
      progress.show(`copying ${second}`, second / 12);
      advance(1_000);
    }
    progress.end();
    expect(written).toEqual(["copying 5, 41 %\n", "copying 10, 83 %\n"]);
  });
});
