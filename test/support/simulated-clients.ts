import fc from "fast-check";

import type { ReferenceConversation, RequestedMode, Said, SaidCall } from "./reference-conversation.ts";
import { readMessage, type WireMessage, writeMessage } from "./wire-styles.ts";

/**
 * Generated chat clients, as they are met in the field. A script says who does what; `playScript` plays it against any
 * gateway behind `execute`, which may be a function or a real server.
 */
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

export const clientActions = [
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

/** What one request has to bring about. */
export interface ClientRequest {
  readonly messages: readonly WireMessage[];
  readonly mode: RequestedMode;
  /** The answer that the model is to give, one message per choice. */
  readonly wanted: readonly WireMessage[];
  readonly ending: ScriptedAnswer["ending"];
  readonly delay: number;
  /** A number without meaning, for a gateway that wants to vary something of its own. */
  readonly pick: number;
}

/**
 * Resolves when the gateway has remembered the exchange, with what the client saw of each choice; `undefined` when the
 * exchange failed and is no part of the history.
 */
export type Execute = (request: ClientRequest) => Promise<readonly WireMessage[] | undefined>;

export interface Played {
  /** What the client holds to be the conversation, opening included. */
  readonly beliefs: readonly (readonly Said[])[];
  readonly expectedModes: readonly string[];
}

interface PlayOptions {
  readonly execute: Execute;
  readonly reference: ReferenceConversation;
  /** Called whenever nothing is under way. */
  readonly check: (played: Played) => void | Promise<void>;
}

export async function playScript(script: ClientScript, { execute, reference, check }: PlayOptions): Promise<void> {
  const author = createAuthor(script.words);
  const shots = Array.from({ length: script.shots }, (_, at) => [
    said("user", `shot ${at}`),
    said("assistant", `hit ${at}`),
  ]);
  const isAlone = script.clients.length === 1;
  const clients = script.clients.map((traits) => createClient({ traits, opening: shots.flat(), author, isAlone }));
  const expectedModes: string[] = [];
  const play = async (step: ClientStep): Promise<void> => {
    const client = clients[step.client % clients.length];
    if (!client) return;
    const { sent, mode, ending, hear } = client.act(step);
    const exchange = reference.begin(sent, mode);
    expectedModes.push(exchange.mode);
    const answers = await execute({
      messages: sent.map((message, at) => writeMessage(message, client.styleOf(step, at))),
      mode,
      wanted: author.answers({ ...step.answer, ending }).map((answer) => writeMessage(answer, 0)),
      ending,
      delay: step.delay,
      pick: step.pick,
    });
    if (!answers) return;
    const heard = answers.map(readMessage);
    reference.finish(exchange, heard);
    hear(heard);
  };
  for (const group of racingGroups(script.steps)) {
    await Promise.all(group.map(play));
    await check({ beliefs: clients.map((client) => client.belief()), expectedModes });
  }
}

function racingGroups(steps: readonly ClientStep[]): ClientStep[][] {
  const groups: ClientStep[][] = [];
  for (const step of steps) {
    if (step.races && groups.length > 0) groups.at(-1)?.push(step);
    else groups.push([step]);
  }
  return groups;
}

const said = (role: Said["role"], text: string, more: Partial<Said> = {}): Said => ({
  role,
  text,
  calls: [],
  callId: "",
  ...more,
});

type Author = ReturnType<typeof createAuthor>;

/** Writes what is said, by people and by the model. */
function createAuthor(words: ClientScript["words"]) {
  let count = 0;
  const fewTexts = ["hi", "go on", "mail ada@example.com\nplease"];
  const text = (pick: number, unique: string): string => {
    count += 1;
    if (words === "few") return fewTexts[pick % fewTexts.length] ?? "";
    return count % 3 === 0 ? `${unique} ${count}\nfor ada@example.com` : `${unique} ${count}`;
  };
  const call = (at: number): SaidCall => ({
    id: words === "few" ? `call_${at}` : `call_${(count += 1)}`,
    name: "look_up",
    input: { b: "2", a: `${at}` },
  });
  return {
    question: (pick: number): Said => said("user", text(pick, "question")),
    exchange: (): Said[] => [said("user", text(0, "earlier")), said("assistant", text(1, "answered"))],
    summary: (): Said => said("user", text(0, "summary of all that")),
    altered: (answer: Said, pick: number): Said => said("assistant", text(pick, `altered ${answer.text}`)),
    results: (answer: Said): Said[] => answer.calls.map(({ id }) => said("tool", text(0, "result"), { callId: id })),
    answers: ({ choices, calls, ending }: ScriptedAnswer): Said[] =>
      ending === "nothing"
        ? []
        : Array.from({ length: choices }, (_, at) => {
            const hasCalls = calls > 0 && ending === "complete";
            const made = hasCalls ? Array.from({ length: calls }, (_, nth) => call(nth)) : [];
            const spoken =
              hasCalls && at === 0 ? "" : words === "few" ? (["ok", "no"][at % 2] ?? "") : text(0, "answer");
            return said("assistant", spoken, { calls: made });
          }),
  };
}

interface ClientOptions {
  readonly traits: ClientTraits;
  readonly opening: readonly Said[];
  readonly author: Author;
  /** A lone client does only what the gateway can understand from its requests. */
  readonly isAlone: boolean;
}

interface Line {
  readonly said: Said;
  /** All choices of an answer, the first being the one that stands while nobody went on from another. */
  readonly choices: readonly Said[];
  /** True once the gateway must know it: it gave it, or was sent it. */
  readonly isStored: boolean;
}

interface Outgoing {
  readonly sent: readonly Said[];
  readonly mode: RequestedMode;
  readonly ending: ScriptedAnswer["ending"];
  hear(answers: readonly Said[]): void;
}

const line = (message: Said): Line => ({ said: message, choices: [], isStored: false });

function createClient({ traits, opening, author, isAlone }: ClientOptions) {
  const isDelta = traits.kind === "delta";
  const mode = traits.declares ? (isDelta ? "delta" : "replay") : "auto";
  const elsewhere = isDelta || opening.length > 0 ? 0 : traits.history;
  let belief: readonly Line[] = Array.from({ length: elsewhere }, () => author.exchange().map(line)).flat();
  let hasOpened = false;
  /** The thread as it was when the last request left, to send it again. */
  let lastThread: readonly Line[] = [];
  let newestAnswer: Line | undefined;
  /** A partial answer that it threw away; the gateway holds it until the client goes on without it. */
  let dropped: readonly Said[] = [];
  /** Once it sent an earlier exchange, the gateway knows that it replays. */
  let isProven = traits.declares;

  /** Sends a thread, of which a delta client leaves out what is before `from`. */
  const send = (thread: readonly Line[], from: number, step: ClientStep): Outgoing => {
    const spoken = isDelta ? thread.slice(from) : newest(thread);
    // Who says that everything is new must not repeat its opening.
    const front = mode === "delta" && hasOpened ? [] : opening;
    const answerAt = spoken.findIndex(({ choices }) => choices.length > 0);
    const proves = answerAt >= 0 && spoken.slice(answerAt).some(({ said: { role } }) => role === "user");
    // A first question without an answer cannot be told from a delta: two of them look like two new messages.
    const isVague = isAlone && !isDelta && !isProven && step.answer.ending === "nothing";
    const ending = isVague ? "complete" : step.answer.ending;
    const heldBefore = belief.length;
    lastThread = thread;
    return {
      sent: [...front, ...spoken.map((item) => item.said)],
      mode,
      ending,
      hear(answers) {
        hasOpened = true;
        const isDropped = ending === "partial" && isProven && !isDelta && step.pick % 2 === 0;
        if (proves) isProven = true;
        const held = isDelta
          ? [...belief, ...thread.slice(heldBefore)]
          : thread.map((item) => ({ ...item, isStored: true }));
        newestAnswer = isDropped ? undefined : heardLine(answers, isDelta ? 0 : step.pick);
        belief = newestAnswer ? [...held, newestAnswer] : held;
        dropped = isDropped ? answers.slice(0, 1) : [];
      },
    };
  };

  /** A lone client keeps enough in its window for the gateway to know the place. */
  const newest = (thread: readonly Line[]): readonly Line[] => {
    if (traits.kind === "replay") return thread;
    let size = traits.window;
    while (isAlone && size < thread.length && !isUnderstood(thread.slice(-size))) size += 1;
    return thread.slice(-size);
  };

  const act = (step: ClientStep): Outgoing => {
    const { action, pick } = step;
    const open = openCalls(belief);
    if (open && action !== "edit" && action !== "forget") {
      // A delta client may say a tool loop again from its call or its question on; the gateway holds that already.
      const loop = mode === "delta" ? "result" : traits.loop;
      return send([...belief, ...author.results(open).map(line)], loopStart(belief, loop), step);
    }
    const mayChange =
      !isDelta && (!isAlone || isProven) && (!isAlone || action !== "compact" || traits.kind === "replay");
    const changed = mayChange ? changedThread(belief, { action, pick, author, lastThread }) : undefined;
    if (changed) return send(changed, 0, step);
    const lastQuestion = belief.findLast((item) => item.said.role === "user")?.said;
    const first = action === "sayAgain" && lastQuestion && (isDelta || !isAlone) ? lastQuestion : author.question(pick);
    const second = action === "sayTwoThings" ? [author.question(pick + 1)] : [];
    return send([...belief, ...[first, ...second].map(line)], belief.length, step);
  };

  return {
    act,
    belief: (): readonly Said[] => {
      const lines = belief.map((item) => (item === newestAnswer ? (item.choices[0] ?? item.said) : item.said));
      return [...opening, ...lines, ...dropped];
    },
    styleOf: ({ pick }: ClientStep, at: number): number => (traits.style === 0 ? 0 : traits.style + pick * 7 + at * 13),
  };
}

function heardLine(answers: readonly Said[], pick: number): Line | undefined {
  const heard = answers[pick % Math.max(1, answers.length)];
  return heard && { said: heard, choices: answers, isStored: true };
}

/** A window that the gateway can place: some answer in it is one that it gave. */
const isUnderstood = (lines: readonly Line[]): boolean => {
  const first = lines.findIndex(({ said: { role } }) => role === "assistant");
  return lines[first]?.isStored === true;
};

const openCalls = (belief: readonly Line[]): Said | undefined => {
  const last = belief.at(-1)?.said;
  return last && last.calls.length > 0 ? last : undefined;
};

function loopStart(belief: readonly Line[], loop: ClientTraits["loop"]): number {
  if (loop === "result") return belief.length;
  if (loop === "call") return belief.length - 1;
  return Math.max(
    0,
    belief.findLastIndex((item) => item.said.role === "user"),
  );
}

interface Change {
  readonly action: ClientStep["action"];
  readonly pick: number;
  readonly author: Author;
  readonly lastThread: readonly Line[];
}

/** What a replaying client makes of its copy; `undefined` when there is nothing to do it to. */
function changedThread(belief: readonly Line[], change: Change): readonly Line[] | undefined {
  const { action, pick, author, lastThread } = change;
  const pickIndex = (fits: (item: Line) => boolean): number => {
    const indexes = belief.flatMap((item, at) => (fits(item) ? [at] : []));
    return indexes[pick % Math.max(1, indexes.length)] ?? -1;
  };
  const cutAt = (at: number, ...more: readonly Said[]): readonly Line[] | undefined =>
    at < 0 ? undefined : [...belief.slice(0, at), ...more.map(line)];
  const isSpoken = ({ said: { role, calls } }: Line): boolean => role === "assistant" && calls.length === 0;
  switch (action) {
    case "edit":
      return cutAt(
        pickIndex((item) => item.said.role === "user"),
        author.question(pick),
      );
    case "editAnswer": {
      const at = pickIndex(isSpoken);
      const answer = belief[at];
      return answer && cutAt(at, author.altered(answer.said, pick), author.question(pick));
    }
    case "regenerate": {
      const at = pickIndex((item) => item.said.role === "assistant");
      return at > 0 ? cutAt(at) : undefined;
    }
    case "switch": {
      const at = pickIndex(({ choices }) => choices.length > 1);
      const other = belief[at]?.choices.find((choice) => choice !== belief[at]?.said);
      return other && cutAt(at, other, ...(other.calls.length > 0 ? author.results(other) : [author.question(pick)]));
    }
    case "retry":
      return lastThread.length > 0 ? lastThread : undefined;
    case "continue":
      return belief.length > 0 ? belief : undefined;
    case "compact":
      return belief.length > 2
        ? [author.summary(), author.question(pick)].map(line).toSpliced(1, 0, ...belief.slice(2))
        : undefined;
    case "forget":
      return [line(author.question(pick))];
    default:
      return undefined;
  }
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
