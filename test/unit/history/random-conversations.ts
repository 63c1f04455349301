import fc from "fast-check";

import type { AgingKnobs } from "../../../src/history/history-strategy.ts";
import { assistant, picture, sized, type Step, tool } from "./history-session.ts";

export const anyAging = fc.record<AgingKnobs>({
  enabled: fc.boolean(),
  toolResults: fc.integer({ min: 0, max: 4 }),
  images: fc.integer({ min: 0, max: 2 }),
  excludeTools: fc.constantFrom([], ["look"]),
});

interface Move {
  readonly kind: "chat" | "call" | "silent";
  readonly calls: number;
  readonly tokens: number;
  readonly results: "all" | "reversed" | "some" | "none" | "late" | "twice";
  readonly stray: boolean;
  readonly withUser: boolean;
  readonly withImage: boolean;
  readonly upkeep: "done" | "late" | "failed";
  readonly idleMs: number;
}

const move = (orderly: boolean) =>
  fc.record<Move>({
    kind: fc.constantFrom("chat", "chat", "call", "call", ...(orderly ? [] : (["silent"] as const))),
    calls: fc.integer({ min: 1, max: 3 }),
    tokens: fc.integer({ min: 8, max: 120 }),
    results: orderly
      ? fc.constantFrom("all", "reversed", "none")
      : fc.constantFrom("all", "reversed", "some", "none", "late", "twice"),
    stray: orderly ? fc.constant(false) : fc.boolean(),
    withUser: fc.boolean(),
    withImage: fc.boolean(),
    upkeep: fc.constantFrom("done", "late", "failed"),
    idleMs: fc.constantFrom(1_000, 1_000, 1_000, 400_000),
  });

/**
 * Conversations with tools. Orderly clients answer all calls of a turn in the next one, in any order, or never; others
 * also answer some, twice, turns later, or calls that nobody made, and reuse their ids.
 */
export const conversations = (options: { orderly: boolean; maxLength?: number }): fc.Arbitrary<Step[]> =>
  fc
    .tuple(fc.array(move(options.orderly), { minLength: 2, maxLength: options.maxLength ?? 40 }), fc.boolean())
    .map(([moves, reuseIds]) => play(moves, reuseIds && !options.orderly));

function play(moves: readonly Move[], reuseIds: boolean): Step[] {
  let open: string[] = [];
  let late: string[] = [];
  let nextId = 0;
  return moves.map((current, index): Step => {
    const results = resultsFor(current, open);
    if (current.results === "late") late.push(...open);
    else if (late.length > 0 && current.withUser) {
      results.push(...late);
      late = [];
    }
    if (current.stray) results.push(`stray-${index}`);
    const speaks = current.withUser || results.length === 0;
    const question = current.withImage ? picture(index) : sized("user", current.tokens, `question ${index} `);
    const incoming = [...results.map((id) => tool(id, resultOf(id, current))), ...(speaks ? [question] : [])];
    if (current.stray && speaks) incoming.reverse();
    open = [];
    if (current.kind === "call") {
      if (reuseIds) nextId = 0;
      open = Array.from({ length: current.calls }, () => `call_${nextId++}`);
    }
    const answer = current.kind === "silent" ? undefined : assistant(`answer ${index}`, ...open);
    return { incoming, answer, upkeep: current.upkeep, idleMs: current.idleMs };
  });
}

/** Of any length, so that some are worth leaving out. */
const resultOf = (id: string, { tokens }: Move): string => `result of ${id} `.padEnd(tokens * 4, ".");

function resultsFor({ results }: Move, open: readonly string[]): string[] {
  if (results === "none" || results === "late") return [];
  if (results === "reversed") return open.toReversed();
  if (results === "some") return open.slice(0, 1);
  return results === "twice" ? [...open, ...open] : [...open];
}
