import { describeError } from "../errors/describe-error.ts";
import type { RecallIndex, RecallUnit } from "../history/recall/recall-index.ts";
import type { Nearness } from "../history/recall/recall-units.ts";
import { unitId } from "../history/recall/unit-id.ts";
import type { VectorSession } from "../store/vector-store.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { TurnPorts } from "./turn-ports.ts";

/** More than fit into what is recalled. */
const MOST_NEAR = 200;

/** Of the units, those of which the store has a vector; none where it holds no vectors. */
export async function storedUnits(
  { vectors }: TurnPorts,
  { session, index, units }: { session: OpenedSession; index: RecallIndex; units: readonly RecallUnit[] },
): Promise<readonly RecallUnit[]> {
  if (!vectors) return [];
  const ids = new Map(units.map((unit) => [unitId(index, unit), unit]));
  const present = await vectors.present(vectorSession(session), [...ids.keys()]);
  return [...ids].flatMap(([id, unit]) => (present.has(id) ? [unit] : []));
}

export const vectorSession = ({ ref, incarnation }: OpenedSession): VectorSession => ({
  owner: ref.owner,
  key: ref.key,
  incarnation,
});

interface SearchedSessions {
  readonly owner: string;
  /** Storage keys of the sessions that are searched, by their indexes. */
  readonly keys: ReadonlyMap<RecallIndex, string>;
  readonly minSimilarity: number;
}

/** Asks the store what is near. A store that fails costs what it would have found, and words go on finding. */
export function storedNearness(
  { vectors, meter, log }: TurnPorts,
  { owner, keys, minSimilarity }: SearchedSessions,
): Nearness["search"] {
  if (!vectors) return undefined;
  return async (parts, vector) => {
    try {
      const asked = parts.flatMap(({ index }) => keys.get(index) ?? []);
      const near = await vectors.nearest({ owner, keys: asked, vector, minSimilarity, limit: MOST_NEAR });
      const scores = new Map(near.map(({ key, unit, similarity }) => [`${key} ${unit}`, similarity]));
      return parts.flatMap(({ index, turns }) =>
        index.units.slice(0, index.unitsIn(turns)).flatMap((unit) => {
          const score = scores.get(`${keys.get(index)} ${unitId(index, unit)}`);
          return score === undefined ? [] : [{ unit, score }];
        }),
      );
    } catch (error) {
      meter.degraded("embedding_failed");
      log.warn({ cause: describeError(error) }, "stored vectors failed");
      return [];
    }
  };
}
