import fc from "fast-check";

/** Who says what in which order; `playScript` plays it. */
export interface ClientScript {
  /** Few-shot pairs that every client of the session sends in front of what it says. */
  readonly shots: number;
  /** `unique` texts make every request unambiguous; `few` texts repeat themselves all the time. */
  readonly words: "unique" | "few";
  readonly clients: readonly ClientTraits[];
  readonly steps: readonly ClientStep[];
}

export interface ClientTraits {
  /** Sends only what is new; everything; or its newest messages. */
  readonly kind: "delta" | "replay" | "window";
  /** What a delta client repeats of a tool loop: only results, the call as well, or the turn since its question. */
  readonly loop: "result" | "call" | "turn";
  readonly window: number;
  /** Exchanges it had elsewhere before it met the gateway; it brings them along if it replays and has no few-shot pairs. */
  readonly history: number;
  /** Sends `X-History-Mode`. */
  readonly declares: boolean;
  /** How its SDK rewrites what it sends back. */
  readonly style: number;
}

const clientActions = [
  "say",
  "say",
  "say",
  "sayAgain",
  "sayTwoThings",
  "edit",
  "editAnswer",
  "regenerate",
  "retry",
  "continue",
  "switch",
  "compact",
  "forget",
] as const;

export interface ClientStep {
  readonly client: number;
  readonly action: (typeof clientActions)[number];
  /** Which message it is about, and other small choices. */
  readonly pick: number;
  /** Sent at the same moment as the step before. */
  readonly races: boolean;
  /** Who of two racing steps is answered first. */
  readonly delay: number;
  readonly answer: ScriptedAnswer;
}

export interface ScriptedAnswer {
  readonly choices: number;
  readonly calls: number;
  readonly ending: "complete" | "partial" | "nothing" | "refused";
}

const answerArbitrary: fc.Arbitrary<ScriptedAnswer> = fc.record({
  choices: fc.constantFrom(1, 1, 1, 2, 3),
  calls: fc.constantFrom(0, 0, 0, 1, 2),
  ending: fc.constantFrom("complete", "complete", "complete", "complete", "partial", "nothing", "refused"),
});

interface ScriptBounds {
  readonly maxClients: number;
  readonly maxSteps: number;
  readonly words: readonly ClientScript["words"][];
  readonly races: boolean;
}

export function clientScripts({ maxClients, maxSteps, words, races }: ScriptBounds): fc.Arbitrary<ClientScript> {
  const traits: fc.Arbitrary<ClientTraits> = fc.record({
    kind: fc.constantFrom("delta", "replay", "window"),
    loop: fc.constantFrom("result", "call", "turn"),
    window: fc.integer({ min: 1, max: 6 }),
    history: fc.constantFrom(0, 0, 1, 3),
    declares: fc.constantFrom(false, false, true),
    style: fc.constantFrom(0, 1, 2, 3, 5, 8),
  });
  const step: fc.Arbitrary<ClientStep> = fc.record({
    client: fc.nat(maxClients - 1),
    action: fc.constantFrom(...clientActions),
    pick: fc.nat(30),
    races: races ? fc.constantFrom(false, false, true) : fc.constant(false),
    delay: fc.nat(3),
    answer: answerArbitrary,
  });
  return fc.record({
    shots: fc.constantFrom(0, 0, 1, 2),
    words: fc.constantFrom(...words),
    clients: fc.array(traits, { minLength: 1, maxLength: maxClients }),
    steps: fc.array(step, { minLength: 1, maxLength: maxSteps, size: "max" }),
  });
}
