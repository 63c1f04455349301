import { expect } from "vitest";

interface Logging {
  output(): string;
}

/** Events of one word in what a gateway process logged, in order. */
export const eventsOf = (gateway: Logging): string[] =>
  gateway
    .output()
    .split("\n")
    .flatMap((line) => /"msg":"(\w+)"/.exec(line)?.[1] ?? []);

/** Each change of state is one line: they take turns, and `begins` is the first. Reads and writes have a state each. */
export function expectTurnAbout(gateway: Logging, begins: string, ends: string): void {
  const lines = gateway.output().split("\n");
  for (const calls of ["reads", "writes", undefined]) {
    const ofThese = lines.filter((line) => /"calls":"(\w+)"/.exec(line)?.[1] === calls);
    const events = ofThese.flatMap((line) => /"msg":"(\w+)"/.exec(line)?.[1] ?? []);
    const changes = events.filter((event) => event === begins || event === ends);
    expect(changes).toEqual(changes.map((_, index) => (index % 2 === 0 ? begins : ends)));
  }
}
