import { messagesInSession, newSessionName, type RequestSource } from "../load/chat-requests.ts";
import { median } from "../rig/statistics.ts";
import type { Rig, Target, TargetKind } from "../targets/target.ts";
import { openStoreFiller, type StoreFiller } from "./fill-store.ts";
import type { GrowthCurve, GrowthPoint } from "./growth-point.ts";
import { playTurns } from "./play-turns.ts";

const MEASURED = 1_000;
const FIRSTS = 50;

interface StoredThings extends Omit<GrowthCurve, "points"> {
  readonly add: (filler: StoreFiller, count: number) => Promise<void>;
  /** What the newcomer sends whose first turn is measured. */
  readonly newcomer: (target: Target, number: number) => RequestSource;
}

export const storedSessions: StoredThings = {
  title: "A turn by how many sessions are stored",
  sizeLabel: "sessions in the store",
  firstLabel: "first turn of a new session, ms",
  add: (filler, count) => filler.addSessions(count),
  newcomer: ({ headers }) => messagesInSession(newSessionName(1), { client: 1, headers, stream: false }),
};

export const storedUsers: StoredThings = {
  title: "A turn by how many users there are",
  sizeLabel: "users in the store",
  firstLabel: "first turn of a new user, ms",
  add: (filler, count) => filler.addUsers(count),
  newcomer: ({ headers }, number) =>
    messagesInSession(newSessionName(number), { client: number, headers, stream: false }),
};

let newcomers = 1_000_000;

export async function measureStored(
  rig: Rig,
  things: StoredThings,
  { kinds, sizes }: { kinds: readonly TargetKind[]; sizes: readonly number[] },
): Promise<GrowthCurve> {
  const points: GrowthPoint[] = [];
  for (const kind of kinds) {
    const target = await kind.open(rig);
    const filler = await openStoreFiller(target.store ?? "");
    const open = (): RequestSource =>
      messagesInSession(newSessionName(1), { client: 1, headers: target.headers, stream: false });
    await playTurns(target, open(), MEASURED);
    let stored = 0;
    for (const size of sizes) {
      await things.add(filler, size - stored);
      stored = size;
      const { p50Ms, cpuUs } = await playTurns(target, open(), MEASURED);
      const firstMs = await medianFirst(target, things);
      points.push({ store: kind.name, size, p50Ms, cpuUs, firstMs });
    }
    await filler.close();
    await target.process?.stop();
  }
  const { title, sizeLabel, firstLabel } = things;
  return { title, sizeLabel, firstLabel, points };
}

async function medianFirst(target: Target, { newcomer }: StoredThings): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < FIRSTS; index += 1) {
    newcomers += 1;
    times.push((await playTurns(target, newcomer(target, newcomers), 1)).firstMs);
  }
  return median(times);
}
