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

/** Each change of state is one line: they take turns, and `begins` is the first. */
export function expectTurnAbout(gateway: Logging, begins: string, ends: string): void {
  const lines = eventsOf(gateway).filter((event) => event === begins || event === ends);
  expect(lines).toEqual(lines.map((_, index) => (index % 2 === 0 ? begins : ends)));
}
