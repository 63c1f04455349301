import type { ClientStep, ClientTraits, ScriptedAnswer } from "./client-script.ts";
import type { RequestedMode, Said } from "./reference-conversation.ts";
import type { Author } from "./simulated-author.ts";

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
  readonly hear: (answers: readonly Said[]) => void;
}

/** A conversation to go on with, of which a delta client leaves out what is before `from`. */
interface Intent {
  readonly thread: readonly Line[];
  readonly from: number;
}

interface ClientState {
  belief: readonly Line[];
  /** The thread as it was when the last request left, to send it again. */
  lastThread: readonly Line[];
  newestAnswer: Line | undefined;
  /** A partial answer that it threw away; the gateway holds it until the client goes on without it. */
  dropped: readonly Said[];
  hasOpened: boolean;
  /** Once it sent an earlier exchange, the gateway knows that it replays. */
  isProven: boolean;
}

export interface SimulatedClient {
  /** The request that this step makes it send. */
  act(step: ClientStep): Outgoing;
  /** What it holds to be the conversation, opening included. */
  belief(): readonly Said[];
  /** How its SDK writes the message at this place. */
  styleOf(step: ClientStep, at: number): number;
}

const line = (message: Said): Line => ({ said: message, choices: [], isStored: false });

/** A chat client, as they are met in the field: keeps a copy of the conversation, or does not, and makes requests of it. */
export function createClient({ traits, opening, author, isAlone }: ClientOptions): SimulatedClient {
  const isDelta = traits.kind === "delta";
  const mode = traits.declares ? (isDelta ? "delta" : "replay") : "auto";
  const elsewhere = isDelta || opening.length > 0 ? 0 : traits.history;
  const state: ClientState = {
    belief: Array.from({ length: elsewhere }, () => author.exchange().map(line)).flat(),
    lastThread: [],
    newestAnswer: undefined,
    dropped: [],
    hasOpened: false,
    isProven: traits.declares,
  };

  const spokenOf = ({ thread, from }: Intent): readonly Line[] => {
    if (isDelta) return thread.slice(from);
    return traits.kind === "replay" ? thread : newestLines(thread, traits.window, isAlone);
  };

  const send = (intent: Intent, { answer, pick }: ClientStep): Outgoing => {
    const spoken = spokenOf(intent);
    // Who says that everything is new must not repeat its opening.
    const front = mode === "delta" && state.hasOpened ? [] : opening;
    // A first question without an answer cannot be told from a delta: two of them look like two new messages.
    const isVague = isAlone && !isDelta && !state.isProven && answer.ending === "nothing";
    const ending = isVague ? "complete" : answer.ending;
    const heldBefore = state.belief.length;
    state.lastThread = intent.thread;
    const hear = (answers: readonly Said[]): void => {
      const isDropped = ending === "partial" && state.isProven && !isDelta && pick % 2 === 0;
      const held = isDelta ? [...state.belief, ...intent.thread.slice(heldBefore)] : intent.thread.map(asStored);
      const newestAnswer = isDropped ? undefined : heardLine(answers, isDelta ? 0 : pick);
      Object.assign(state, {
        belief: newestAnswer ? [...held, newestAnswer] : held,
        newestAnswer,
        dropped: isDropped ? answers.slice(0, 1) : [],
        hasOpened: true,
        isProven: state.isProven || sendsEarlierExchange(spoken),
      } satisfies Partial<ClientState>);
    };
    return { sent: [...front, ...spoken.map((item) => item.said)], mode, ending, hear };
  };

  const mayChange = (action: ClientStep["action"]): boolean =>
    !isDelta && (!isAlone || (state.isProven && (action !== "compact" || traits.kind === "replay")));

  return {
    act(step) {
      const { belief, lastThread } = state;
      const open = openCalls(belief);
      if (open && step.action !== "edit" && step.action !== "forget") {
        const thread = [...belief, ...author.results(open).map(line)];
        // A delta client may say a tool loop again from its call or its question on; the gateway holds that already.
        return send({ thread, from: loopStart(belief, mode === "delta" ? "result" : traits.loop) }, step);
      }
      const changed = mayChange(step.action) ? changedThread(belief, { step, author, lastThread }) : undefined;
      if (changed) return send({ thread: changed, from: 0 }, step);
      const spoken = questions(belief, { step, author, mayRepeat: isDelta || !isAlone });
      return send({ thread: [...belief, ...spoken.map(line)], from: belief.length }, step);
    },
    belief() {
      const { belief, newestAnswer, dropped } = state;
      const lines = belief.map((item) => (item === newestAnswer ? (item.choices[0] ?? item.said) : item.said));
      return [...opening, ...lines, ...dropped];
    },
    styleOf: ({ pick }, at) => (traits.style === 0 ? 0 : traits.style + pick * 7 + at * 13),
  };
}

const asStored = (item: Line): Line => ({ ...item, isStored: true });

/** A lone client keeps enough in its window for the gateway to know the place. */
function newestLines(thread: readonly Line[], window: number, isAlone: boolean): readonly Line[] {
  let size = window;
  while (isAlone && size < thread.length && !isUnderstood(thread.slice(-size))) size += 1;
  return thread.slice(-size);
}

/** What proves to the gateway that it replays: an answer of its own with a question behind it. */
function sendsEarlierExchange(spoken: readonly Line[]): boolean {
  const answerAt = spoken.findIndex(({ choices }) => choices.length > 0);
  return answerAt >= 0 && spoken.slice(answerAt).some(({ said: { role } }) => role === "user");
}

interface Questions {
  readonly step: ClientStep;
  readonly author: Author;
  readonly mayRepeat: boolean;
}

function questions(belief: readonly Line[], { step: { action, pick }, author, mayRepeat }: Questions): Said[] {
  const last = belief.findLast((item) => item.said.role === "user")?.said;
  if (action === "sayAgain" && mayRepeat && last) return [last];
  const first = author.question(pick);
  return action === "sayTwoThings" ? [first, author.question(pick + 1)] : [first];
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
  readonly step: ClientStep;
  readonly author: Author;
  readonly lastThread: readonly Line[];
}

/** What a replaying client makes of its copy; `undefined` when there is nothing to do it to. */
function changedThread(
  belief: readonly Line[],
  { step: { action, pick }, author, lastThread }: Change,
): readonly Line[] | undefined {
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
    case "say":
    case "sayAgain":
    case "sayTwoThings":
      return undefined;
  }
}
