import { messagesInSession, newSessionName } from "../load/chat-requests.ts";
import type { Rig, TargetKind } from "../targets/target.ts";
import type { GrowthCurve, GrowthPoint } from "./growth-point.ts";
import { playTurns } from "./play-turns.ts";

const MEASURED = 1_000;

/** One session of so many turns: a hot turn, and the first one after the gateway was started anew. */
export async function measureSessionLength(
  rig: Rig,
  { kinds, sizes }: { kinds: readonly TargetKind[]; sizes: readonly number[] },
): Promise<GrowthCurve> {
  const points: GrowthPoint[] = [];
  for (const kind of kinds) {
    let target = await kind.open(rig);
    const open = (session: string) => messagesInSession(session, { client: 1, headers: target.headers, stream: false });
    await playTurns(target, open(newSessionName(1)), MEASURED);
    for (const size of sizes) {
      const session = newSessionName(1);
      await playTurns(target, open(session), size);
      const { p50Ms, cpuUs } = await playTurns(target, open(session), MEASURED);
      target = (await target.restart?.()) ?? target;
      // The process is cold too: another session takes that away.
      await playTurns(target, open(newSessionName(1)), MEASURED);
      const { firstMs } = await playTurns(target, open(session), 1);
      points.push({ store: kind.name, size, p50Ms, cpuUs, firstMs });
    }
    await target.process?.stop();
  }
  return {
    title: "A turn by the length of its session",
    sizeLabel: "turns in the session",
    firstLabel: "first turn after a restart, ms",
    points,
  };
}
