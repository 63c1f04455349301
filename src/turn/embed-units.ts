import { randomUUID } from "node:crypto";

import { describeError } from "../errors/describe-error.ts";
import type { RecallIndex, RecallUnit } from "../history/recall/recall-index.ts";
import { readRemark } from "../history/recall/remark.ts";
import { unitId } from "../history/recall/unit-id.ts";
import { createUnitReader } from "../history/recall/unit-text.ts";
import { embedTexts } from "./embed-texts.ts";
import { hidingRedactor } from "./hide-request.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { TurnPlan } from "./plan-turn.ts";
import type { KeptSession, RecallShelf } from "./recall-shelf.ts";
import { storedUnits, vectorSession } from "./stored-vectors.ts";
import type { TurnPorts } from "./turn-ports.ts";
import type { TurnRequest } from "./turn-request.ts";

/** Embeds what is no longer sent, after the answer, in the replica that served it, one batch at a time per session. */
export interface UnitEmbedding {
  /** Returns at once, never throws. */
  after(turn: { request: TurnRequest; plan: TurnPlan }): void;
  idle(): Promise<void>;
}

interface EmbeddingParts {
  readonly ports: TurnPorts;
  readonly recall: RecallShelf;
}

interface EmbeddingTask {
  readonly request: TurnRequest;
  readonly kept: KeptSession;
  /** Of the transcript, from its beginning. */
  readonly turns: number;
}

const MAX_BATCH = 64;
/** After one answer; the rest waits for the next: a gateway that closes waits for these. */
const MAX_BATCHES = 8;
const LEASE_SLACK_MS = 5_000;
/** Of one session; what is said later is found by its words alone. */
const MAX_VECTOR_BYTES = 16 << 20;
/** Of a unit whose text may not be sent, or whose vector lies in the store: here nothing is near it. */
const NO_VECTOR = new Float32Array(0);

export function createUnitEmbedding(parts: EmbeddingParts): UnitEmbedding {
  const { settings, log } = parts.ports;
  const running = new Map<string, Promise<void>>();
  const holder = randomUUID();
  const isOn = settings.recall.embeddings.model !== undefined && !settings.observes;
  return {
    after({ request, plan: { session, kept, selection, recall } }) {
      if (!isOn || !session || !recall || running.has(session.ref.key)) return;
      const turns = settings.recall.scope === "user" ? Infinity : selection.epoch.firstTurn;
      const work = embedLeftOut(parts, { request, kept: { session, kept }, turns }, holder)
        .catch((error: unknown) => log.warn({ cause: describeError(error) }, "embedding failed"))
        .finally(() => running.delete(session.ref.key));
      running.set(session.ref.key, work);
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}

async function embedLeftOut(parts: EmbeddingParts, task: EmbeddingTask, holder: string): Promise<void> {
  const index = await parts.recall.followed(task.kept);
  if (!index) return;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    if (!(await embedBatch(parts, { ...task, index }, holder))) return;
  }
}

/** False when there is no more to do, or no more can be done now. */
async function embedBatch(
  { ports, recall }: EmbeddingParts,
  { request, kept, turns, index }: EmbeddingTask & { index: RecallIndex },
  holder: string,
): Promise<boolean> {
  const units = nextUnits(index, turns);
  if (units.length === 0) return false;
  const { session } = kept;
  const name = `embedding:${session.ref.key}`;
  const timeoutMs = ports.settings.summaryTimeoutMs;
  if (!(await ports.leases.acquire(name, holder, timeoutMs + LEASE_SLACK_MS))) return false;
  try {
    const stored = new Set(await storedUnits(ports, { session, index, units }));
    const missing = units.filter((unit) => !stored.has(unit));
    const open = await unitsToSend(ports, session.ref.key, missing);
    const { credential } = request.principal;
    const made =
      open.length > 0 ? await embedTexts(ports, { texts: open.map(createUnitReader()), credential, timeoutMs }) : [];
    if (!made) return false;
    const vectors = new Map(open.map((unit, at) => [unit, made[at] ?? NO_VECTOR]));
    return await keepVectors({ ports, recall }, { session, index, units, vectors });
  } finally {
    await ports.leases.release(name, holder);
  }
}

interface MadeVectors {
  readonly session: OpenedSession;
  readonly index: RecallIndex;
  readonly units: readonly RecallUnit[];
  readonly vectors: ReadonlyMap<RecallUnit, Float32Array>;
}

/** False when the index is held no longer. */
async function keepVectors({ ports, recall }: EmbeddingParts, made: MadeVectors): Promise<boolean> {
  const { session, index, units, vectors } = made;
  const here = (unit: RecallUnit): Float32Array => (ports.vectors ? undefined : vectors.get(unit)) ?? NO_VECTOR;
  // Before they are stored: what cannot be is not paid for again with every answer.
  const isKept = recall.keepVectors(session, index, new Map(units.map((unit) => [unit.position, here(unit)])));
  const byId = new Map([...vectors].map(([unit, vector]) => [unitId(index, unit), vector]));
  if (byId.size > 0) await ports.vectors?.put(vectorSession(session), byId);
  return isKept;
}

function nextUnits({ units, vectors, unitsIn, turnCount }: RecallIndex, turns: number): readonly RecallUnit[] {
  const vectorBytes = vectors.dimensions * Float32Array.BYTES_PER_ELEMENT;
  const most = vectorBytes > 0 ? Math.floor(MAX_VECTOR_BYTES / vectorBytes) : units.length;
  return units
    .slice(0, Math.min(unitsIn(Math.min(turns, turnCount)), most))
    .filter(({ position }) => !vectors.of(position))
    .slice(0, MAX_BATCH);
}

/** What was stored under laxer rules than today's stays here, where the upstream may see placeholders only. */
async function unitsToSend(
  ports: TurnPorts,
  key: string,
  units: readonly RecallUnit[],
): Promise<readonly RecallUnit[]> {
  const redactor = hidingRedactor(ports);
  if (!redactor) return units;
  // Of the whole remark: a passage may hold half of what is to be hidden.
  const remarks = units.map(({ message }) => readRemark(message)?.text ?? "");
  const redactions = await redactor.redactValues(remarks, ports.placeholders(key));
  return units.filter((_, at) => redactions[at]?.value === remarks[at]);
}
