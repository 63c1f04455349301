import { parseArgs } from "node:util";

import { type TargetName, targetNames } from "./targets/target.ts";

export const sectionNames = ["turns", "frontier", "streams", "long", "hostile", "starts"] as const;
export type SectionName = (typeof sectionNames)[number];

export interface Flags {
  readonly rounds: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
  readonly targets: readonly TargetName[];
  readonly sections: readonly SectionName[];
  /** Where to write charts, if anywhere. */
  readonly charts: string | undefined;
}

export const USAGE = `npm run bench:overhead -- [options]

  --rounds N        interleaved rounds (3)
  --seconds N       length of one measurement of one target (1)
  --only A,B        targets: ${targetNames.join(", ")} (all; direct always)
  --sections A,B    measurements: ${sectionNames.join(", ")} (all)
  --charts FOLDER   writes throughput.svg (CPU time per request) and frontier.svg (p99 against requests/s)
  --quick           two rounds of 0.3 s: to see that everything runs, not for figures
`;

/** @throws Error for a flag or a value that is unknown */
export function parseFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      only: { type: "string" },
      sections: { type: "string" },
      charts: { type: "string" },
      quick: { type: "boolean", default: false },
    },
  });
  const defaults = values.quick
    ? { rounds: "2", seconds: "0.3", warmUpMs: 500 }
    : { rounds: "3", seconds: "1", warmUpMs: 10_000 };
  const chosen = pick("--only", targetNames, values.only);
  return {
    rounds: Math.ceil(positive("--rounds", values.rounds ?? defaults.rounds)),
    durationMs: positive("--seconds", values.seconds ?? defaults.seconds) * 1000,
    warmUpMs: defaults.warmUpMs,
    targets: targetNames.filter((name) => name === "direct" || chosen.includes(name)),
    sections: pick("--sections", sectionNames, values.sections),
    charts: values.charts,
  };
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1000)) throw new Error(`${flag} must be a number above 0`);
  return value;
}

function pick<Name extends string>(flag: string, known: readonly Name[], list: string | undefined): readonly Name[] {
  if (list === undefined) return known;
  return list.split(",").map((text) => {
    const name = known.find((candidate) => candidate.toLowerCase() === text.trim().toLowerCase());
    if (!name) throw new Error(`${flag} knows ${known.join(", ")}, not ${text}`);
    return name;
  });
}
