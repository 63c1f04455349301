import { randomUUID } from "node:crypto";

import { describeError } from "../errors/describe-error.ts";
import type { Summary } from "../history/history-strategy.ts";
import type { SummaryResult } from "../history/summariser.ts";
import { summaryReach } from "../history/summary-reach.ts";
import type { KeyedQueue } from "../kit/keyed-queue.ts";
import { recordTag } from "../sealing/sealed-record.ts";
import type { ActiveTurn } from "../session/active-turns.ts";
import { encodeHead, type SessionHead } from "../session/session-head.ts";
import { encodeSummaries, SUMMARY_SLOT } from "../session/slots.ts";
import { callCost } from "../tokens/cost.ts";
import { hidingRedactor } from "./hide-request.ts";
import { hideSummaryJob } from "./hide-stored.ts";
import { knownRevision, type OpenedSession } from "./opened-session.ts";
import type { TurnPlan } from "./plan-turn.ts";
import type { SessionCache } from "./session-cache.ts";
import { nextRevision } from "./store-turn.ts";
import { isStillToTell, type ToldTurns } from "./told-turns.ts";
import type { TurnPorts } from "./turn-ports.ts";
import type { TurnRequest } from "./turn-request.ts";

export interface Upkeep {
  /** Starts what a turn left to do, if anything, and returns at once. Never throws. */
  after(turn: { request: TurnRequest; plan: TurnPlan; session: OpenedSession | undefined }): void;
  /** Resolves when everything started has ended. */
  idle(): Promise<void>;
}

interface UpkeepParts {
  readonly ports: TurnPorts;
  readonly cache: SessionCache;
  readonly appends: KeyedQueue;
}

interface SummaryTask extends ToldTurns {
  readonly request: TurnRequest;
  /** An earlier try had failed when the turn was planned, and it wishes for a summary all the same. */
  readonly triesAgain: boolean;
}

/** Longer than a summary may take, so that a crashed replica's claim ends by itself. */
const LEASE_SLACK_MS = 5_000;
/** As many as a turn has: the summary is paid for. */
const MAX_CONFLICTS = 64;

/** Makes the summary that the next cut will need, in the replica that served the turn, one at a time per session. */
export function createUpkeep(parts: UpkeepParts): Upkeep {
  const running = new Map<string, Promise<void>>();
  const holder = randomUUID();
  return {
    after({ request, plan, session }) {
      const wanted = plan.selection.wantsSummary;
      if (!wanted || !session || running.has(session.ref.key)) return;
      const { key } = session.ref;
      const triesAgain = plan.selection.epoch.summaryFailed;
      const work = summarise(parts, { session, request, triesAgain, ...wanted }, holder)
        .catch((error: unknown) => parts.ports.log.warn({ cause: describeError(error) }, "upkeep failed"))
        .finally(() => running.delete(key));
      running.set(key, work);
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}

async function summarise(parts: UpkeepParts, task: SummaryTask, holder: string): Promise<void> {
  const { ports, cache } = parts;
  const name = `summary:${task.session.ref.key}`;
  const leaseMs = ports.settings.summaryTimeoutMs + LEASE_SLACK_MS;
  if (!(await ports.leases.acquire(name, holder, leaseMs))) return;
  try {
    // The turn was planned before an earlier task ended, here or in another replica: its wish may be fulfilled by now.
    const current = await cache.load(task.session.ref);
    if (!current || !isStillWanted(current, task)) return;
    const session = task.fromTurn < current.front.turns ? await cache.loadAll(current) : current;
    const bounded = {
      ...task,
      toTurn: task.fromTurn + summaryReach(turnsToRead({ ...task, session }).map(({ messages }) => messages)),
    };
    const result = await askForSummary(parts, { ...bounded, session }).catch((error: unknown) => {
      ports.meter.degraded("summary_failed");
      ports.log.warn({ requestId: task.request.requestId, cause: describeError(error) }, "summary failed");
      return undefined;
    });
    await keepSummary(parts, bounded, result);
  } finally {
    await ports.leases.release(name, holder);
  }
}

function isStillWanted(session: OpenedSession, task: SummaryTask): boolean {
  const failedMeanwhile = session.head.epoch.summaryFailed && !task.triesAgain;
  return isStillToTell(session, task) && !failedMeanwhile;
}

const turnsToRead = ({ session: { front, active }, fromTurn, toTurn }: SummaryTask): readonly ActiveTurn[] =>
  active.slice(fromTurn - front.turns, toTurn - front.turns);

async function askForSummary({ ports }: UpkeepParts, task: SummaryTask): Promise<SummaryResult> {
  const { session, request, fromTurn } = task;
  const turns = turnsToRead(task);
  const previous = session.summaries.find((summary) => summary.toTurn === fromTurn);
  const job = { fromTurn, turns, previous, maxTokens: ports.settings.knobs.summaryTokens };
  const redactor = hidingRedactor(ports);
  const name = ports.placeholders(session.ref.key);
  return ports.summariser.summarise(redactor ? await hideSummaryJob({ redactor, name }, job) : job, {
    model: ports.settings.summaryModel ?? request.chat.model,
    credential: request.principal.credential,
    signal: AbortSignal.timeout(ports.settings.summaryTimeoutMs),
  });
}

/** Writes the summary, or that there is none, into the session as it stands by now. */
async function keepSummary(
  { ports, cache, appends }: UpkeepParts,
  task: SummaryTask,
  result: SummaryResult | undefined,
): Promise<void> {
  const usd = result && reportOverhead(ports, result);
  await appends.run(task.session.ref.key, async () => {
    let base: OpenedSession = cache.peek(task.session.ref.key, task.session.incarnation) ?? task.session;
    for (let tries = 0; tries < MAX_CONFLICTS && isStillToTell(base, task); tries += 1) {
      const next = withSummary(base, { task, result, usd: usd ?? 0 });
      const known = knownRevision(base);
      const { sealed, slots } = sealSummary(next);
      const outcome = await ports.sessions.commit({
        key: base.ref.key,
        expected: base.revision,
        revision: sealed.revision,
        fields: base.fields,
        head: sealed.sealer.seal("head", "", encodeHead(sealed.head)),
        slots,
        ...(known && { known }),
      });
      if (outcome.committed) return cache.keep(sealed);
      if (!outcome.current) return;
      const newer = await cache.reopen(outcome.current, base, base.ref);
      if (!newer) return;
      base = newer;
    }
  });
}

function withSummary(
  base: OpenedSession,
  { task, result, usd }: { task: SummaryTask; result: SummaryResult | undefined; usd: number },
): OpenedSession {
  const { epoch, totals } = base.head;
  const { fromTurn, toTurn } = task;
  const prepared: Summary | undefined = result && { fromTurn, toTurn, text: result.text, by: "model" };
  // One that was prepared earlier and not used yet is what this one was built on: it stays until the cut.
  const summaries = prepared
    ? [...base.summaries.filter((summary) => summary.toTurn < toTurn), prepared]
    : base.summaries;
  const overheadTokens = result ? result.promptTokens + result.completionTokens : 0;
  const head: SessionHead = {
    ...base.head,
    epoch: { ...epoch, summaryFailed: result === undefined },
    totals: {
      ...totals,
      overheadTokens: totals.overheadTokens + overheadTokens,
      savedUsd: totals.savedUsd - usd,
    },
  };
  return { ...base, head, summaries, revision: nextRevision(base, base.incarnation) };
}

function sealSummary(session: OpenedSession) {
  if (session.summaries.length === 0) return { sealed: session, slots: new Map<string, Buffer>() };
  const slot = session.sealer.seal("slot", SUMMARY_SLOT, encodeSummaries(session.summaries));
  const slotTags = { ...session.head.slotTags, [SUMMARY_SLOT]: recordTag(slot) };
  return {
    sealed: { ...session, head: { ...session.head, slotTags } },
    slots: new Map([[SUMMARY_SLOT, slot]]),
  };
}

function reportOverhead(ports: TurnPorts, result: SummaryResult): number {
  const { model, promptTokens, completionTokens } = result;
  const price = ports.prices.priceOf(model);
  const usd = price && callCost(price, { ...result, cacheWriteTokens: 0 });
  ports.meter.overhead({ model, purpose: "summary", promptTokens, completionTokens, usd });
  return usd ?? 0;
}
