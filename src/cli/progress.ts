import type { CommandContext } from "./command.ts";

const BAR_WIDTH = 24;
const BAR_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;

export interface Progress {
  /** Shows it now and then: callers tell of every step. `done` runs from 0 to 1. */
  show(what: string, done: number): void;
  /** Takes the bar away, so that what is written next stands at the start of a line. */
  end(): void;
}

/** A bar on a terminal, a line now and then elsewhere; on standard error, because standard output is for results. */
export function createProgress({ stderr, clock }: Pick<CommandContext, "stderr" | "clock">): Progress {
  const everyMs = stderr.isTTY ? BAR_EVERY_MS : LINE_EVERY_MS;
  // The first line waits its time too: what is done by then needs none.
  let shownAt = clock();
  let isBarShown = false;
  return {
    show(what, done) {
      if (clock() - shownAt < everyMs) return;
      shownAt = clock();
      const percent = `${Math.floor(done * 100)} %`;
      if (!stderr.isTTY) return void stderr.write(`${what}, ${percent}\n`);
      const filled = Math.min(BAR_WIDTH, Math.floor(done * BAR_WIDTH));
      stderr.write(`\r\u001b[K${"█".repeat(filled).padEnd(BAR_WIDTH, "░")} ${percent.padStart(5)}  ${what}`);
      isBarShown = true;
    },
    end() {
      if (isBarShown) stderr.write("\r\u001b[K");
      isBarShown = false;
    },
  };
}
