import { setTimeout as pause } from "node:timers/promises";

import { chatRequest, getRequest, newSessionName } from "../load/chat-requests.ts";
import { openConnection } from "../load/http-connection.ts";
import type { Target } from "../targets/target.ts";
import { interleave, type Section } from "./section.ts";

const MEGABYTE = 1_000_000;
const PROBE_EVERY_MS = 1;
const fill = (unit: string): string => unit.repeat(Math.ceil(MEGABYTE / unit.length)).slice(0, MEGABYTE);

/** Texts that are dear to tokenizers with quadratic merges, and to detectors that look at every candidate. */
const hostileTexts: readonly string[] = [
  fill("a"),
  fill("_"),
  fill(" \n"),
  fill("4111 1111 1111 1111 "),
  fill("+1 (555) 010-99"),
  fill("a@b."),
  fill("192.168.0.1:"),
  fill("é"),
  fill("中文"),
  fill("sk-"),
];

/** How long a gateway answers nobody while it chews on one client's megabyte. */
export const hostileBodies: Section = async (bench) => {
  const { targets, upstream, samples, say } = bench;
  await upstream.answerWith({ kind: "json" });
  say("hostile bodies of 1 MB");
  await interleave(bench, targets, async (target: Target) => {
    samples.add(target.name, "longestGapMs", await longestGapMs(target, 1));
    samples.add(target.name, "crowdGapMs", await longestGapMs(target, hostileTexts.length));
  });
};

function hostileRequest({ headers, hasMemory }: Target, content: string): Buffer {
  const session = hasMemory ? { "x-session-id": newSessionName(0) } : {};
  return chatRequest({ ...headers, authorization: "Bearer bench-0", ...session }, [{ role: "user", content }]);
}

/** The slowest of many small requests that are sent while the big ones are under way, so many of them at a time. */
async function longestGapMs(target: Target, attackers: number): Promise<number> {
  const { port, healthPath } = target;
  const requests = hostileTexts.map((content) => hostileRequest(target, content));
  const probe = await openConnection(port);
  const connections = await Promise.all(Array.from({ length: attackers }, () => openConnection(port)));
  const health = getRequest(healthPath);
  let isUnderAttack = true;
  let longestMs = 0;
  const probing = async (): Promise<void> => {
    while (isUnderAttack) {
      longestMs = Math.max(longestMs, (await probe.send(health)).totalMs);
      await pause(PROBE_EVERY_MS);
    }
  };
  const attacking = connections.map(async (attacker, first) => {
    for (let next = first; next < requests.length; next += attackers) await attacker.send(requests[next] as Buffer);
  });
  const probed = probing();
  await Promise.all(attacking);
  isUnderAttack = false;
  await probed;
  for (const connection of [probe, ...connections]) connection.close();
  return longestMs;
}
