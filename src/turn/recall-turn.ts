import { describeError } from "../errors/describe-error.ts";
import type { EmbeddingCaller } from "../history/embedder.ts";
import {
  CLOSING_TOKENS,
  type HistoryMessage,
  type HistoryView,
  type RecallOutcome,
  type Selection,
} from "../history/history-strategy.ts";
import { composeRecall, type RecallRoom } from "../history/recall/compose-recall.ts";
import { type Ask, readAsk } from "../history/recall/read-ask.ts";
import type { RecallIndex, RecallUnit } from "../history/recall/recall-index.ts";
import { type Nearness, recallUnits } from "../history/recall/recall-units.ts";
import { readRemark } from "../history/recall/remark.ts";
import type { RecallPart } from "../history/recall/searched-part.ts";
import { splitPassages } from "../history/recall/split-passages.ts";
import { sliceFor } from "../kit/work-slices.ts";
import { embedTexts } from "./embed-texts.ts";
import type { HiddenRequest } from "./hide-request.ts";
import type { KeptSession, RecallShelf } from "./recall-shelf.ts";
import type { SessionCache } from "./session-cache.ts";
import { storedNearness } from "./stored-vectors.ts";
import type { TurnPorts, TurnSettings } from "./turn-ports.ts";

/** What became of looking for old remarks, where there are any that are not sent. */
export interface Recall {
  readonly outcome: RecallOutcome;
  /** What goes behind the newest message. */
  readonly text: string | undefined;
  readonly tokens: number;
}

export interface RecallParts {
  readonly ports: TurnPorts;
  readonly cache: SessionCache;
  readonly shelf: RecallShelf;
}

export interface RecallTask {
  readonly owner: string;
  readonly credential: EmbeddingCaller["credential"];
  /** `undefined` on the first request of a session. */
  readonly held: KeptSession | undefined;
  readonly view: HistoryView;
  readonly selection: Selection;
  readonly hidden: HiddenRequest | undefined;
}

/** What a message that does more than ask is given of the room: it may be small talk after all. */
const DOUBTFUL_SHARE = 0.5;
/** Other sessions of the user that are looked into where the scope is the user, the newest first. */
const MAX_SESSIONS = 20;
/** Where everything is checked again before it leaves, so many of the best are. */
const MAX_CHECKED = 150;

/**
 * Looks for what the newest message asks for among the turns that are not sent. What fails here costs the answer no more
 * than what would have been recalled. `undefined`: nothing is left out, or there is no user message to answer.
 */
export async function recallForTurn(parts: RecallParts, task: RecallTask): Promise<Recall | undefined> {
  const { settings } = parts.ports;
  const { maxTokens } = settings.recall;
  const newest = task.view.incoming.at(-1);
  const leavesOut = task.selection.epoch.firstTurn > 0 || looksAround(settings);
  if (maxTokens === 0 || !leavesOut || newest?.role !== "user") return undefined;
  const ask = readAsk(readRemark(newest)?.text ?? "");
  if (!ask) return nothing("not_asked");
  try {
    const units = await findUnits(parts, ask, task);
    if (!units) return nothing("not_found");
    const recalled = composeRecall(await sendable(units, task), recallRoom(ask, maxTokens, task));
    return recalled ? { outcome: "recalled", ...recalled } : nothing("no_room");
  } catch (error) {
    parts.ports.log.warn({ cause: describeError(error) }, "recall failed");
    return nothing("failed");
  }
}

const nothing = (outcome: RecallOutcome): Recall => ({ outcome, text: undefined, tokens: 0 });

const asksPlainly = ({ isAllQuestions, namesThePast }: Ask): boolean => isAllQuestions || namesThePast;

async function findUnits(parts: RecallParts, ask: Ask, task: RecallTask): Promise<RecallUnit[] | undefined> {
  const own = task.held ? [await ownSession(parts, task.held, task.selection)] : [];
  const others = looksAround(parts.ports.settings) ? await otherSessions(parts, task) : [];
  const all = [...own, ...others];
  const keys = new Map(all.map(({ key, part }) => [part.index, key]));
  const searched = { parts: all.map(({ part }) => part), nearness: nearnessFor(parts.ports, task, keys) };
  await sliceFor(all.reduce((sum, { part }) => sum + part.index.bytes, 0));
  return recallUnits(await parts.shelf.reader(), ask, searched);
}

interface SearchedSession {
  readonly key: string;
  readonly part: RecallPart;
}

/** `undefined` where nothing is embedded. */
function nearnessFor(
  ports: TurnPorts,
  { owner, held, credential }: RecallTask,
  keys: ReadonlyMap<RecallIndex, string>,
): Nearness | undefined {
  const { observes, recall } = ports.settings;
  const { model, timeoutMs, minSimilarity } = recall.embeddings;
  if (model === undefined || observes) return undefined;
  const name = ports.placeholders(held?.session.ref.key ?? owner);
  return {
    minSimilarity,
    search: storedNearness(ports, { owner, keys, minSimilarity }),
    async embed(text) {
      // As it will be stored, which is how what it is compared with was stored.
      const [redaction] = (await ports.redactor?.redactValues([text], name)) ?? [{ value: text }];
      const vectors = await embedTexts(ports, { texts: [redaction?.value ?? ""], credential, timeoutMs });
      return vectors?.[0];
    },
  };
}

async function ownSession({ shelf }: RecallParts, held: KeptSession, { epoch }: Selection): Promise<SearchedSession> {
  const allTurns = held.session.front.turns + held.kept.length;
  const part = { index: await shelf.indexOf(held), turns: epoch.firstTurn, allTurns };
  return { key: held.session.ref.key, part };
}

/** Not where a session is tied to an address or client: what was said in one must not be told in another. */
const looksAround = ({ recall, binding }: TurnSettings): boolean =>
  recall.scope === "user" && binding.ip !== "enforce" && binding.userAgent !== "enforce";

async function otherSessions(
  { ports, cache, shelf }: RecallParts,
  { owner, held }: RecallTask,
): Promise<SearchedSession[]> {
  const rows = await ports.sessions.list(owner, { limit: MAX_SESSIONS + 1, order: "desc" });
  const keys = rows.map(({ key }) => key).filter((key) => key !== held?.session.ref.key);
  const parts = await Promise.all(
    keys.slice(0, MAX_SESSIONS).map(async (key): Promise<SearchedSession | undefined> => {
      const session = await cache.load({ key, owner });
      if (!session) return undefined;
      const index = await shelf.indexOf({ session, kept: session.active });
      return { key, part: { index, turns: session.head.turns, allTurns: session.head.turns } };
    }),
  );
  return parts.filter((part) => part !== undefined);
}

/** What was stored under laxer rules than today's is not recalled where the upstream may see placeholders only. */
async function sendable(units: readonly RecallUnit[], { hidden }: RecallTask): Promise<readonly RecallUnit[]> {
  if (!hidden) return units;
  const best = units.slice(0, MAX_CHECKED);
  const checked = await hidden.stored(best.map(({ message }) => message));
  return best.filter(({ message }, place) => checked[place] === message);
}

/** What a text behind the newest message may take, and what it need not say. */
export function recallRoom(
  ask: Ask,
  wantedTokens: number,
  { view, selection }: Pick<RecallTask, "view" | "selection">,
): RecallRoom {
  const maxTokens = asksPlainly(ask) ? wantedTokens : wantedTokens * DOUBTFUL_SHARE;
  const { countText } = view;
  const sent = [...view.system, ...selection.history, ...selection.incoming];
  const tokens = sent.reduce((sum, message) => sum + message.tokens, view.envelopeTokens + CLOSING_TOKENS);
  const left = view.knobs.maxTokens - tokens - countText(`\n\n${view.note}`);
  return { maxTokens: Math.min(maxTokens, left), countText, isShown: shownTexts(selection) };
}

/** Passages that are sent anyway, as they are cut of a message here and there; and whatever stands in the summary. */
function shownTexts({ history, incoming }: Selection): RecallRoom["isShown"] {
  const textOf = (message: HistoryMessage): string => readRemark(message)?.text ?? "";
  const passages = [...history, ...incoming]
    .map(textOf)
    .flatMap((text) => splitPassages(text).map(({ start, end }) => text.slice(start, end).trim()));
  const shown = new Set(passages);
  const front = history[0] ? textOf(history[0]) : "";
  return (text) => shown.has(text) || front.includes(text);
}
