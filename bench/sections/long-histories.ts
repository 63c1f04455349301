import {
  chatRequest,
  type Message,
  messagesInSession,
  newSessionName,
  type RequestSource,
} from "../load/chat-requests.ts";
import { openConnection } from "../load/http-connection.ts";
import { percentile } from "../rig/statistics.ts";
import type { Target } from "../targets/target.ts";
import { measureLoad } from "./measure-load.ts";
import { plainText } from "./plain-text.ts";
import { interleave, type Section } from "./section.ts";
import { directOf } from "./short-turns.ts";

const CLIENTS = 8;
const HISTORY_TURNS = 50;
/** About a thousand tokens. */
const TURN_CHARACTERS = 4_000;
const WARM_UP_MS = 300;

/**
 * Turns behind 50,000 tokens of history. A gateway with memory is sent the new message only and puts its own history in
 * front; for all others the client sends everything each time.
 */
export const longHistories: Section = async (bench) => {
  const { targets, upstream, samples, durationMs, say } = bench;
  await upstream.answerWith({ kind: "json" });
  say("filling long histories");
  const clientsByTarget = new Map<Target, readonly RequestSource[]>();
  for (const target of targets) {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, client) => longClient(target, client)));
    clientsByTarget.set(target, clients);
    await measureLoad(target, { clients, durationMs: WARM_UP_MS, samples });
  }
  const withClients = (count: number) => (target: Target) =>
    measureLoad(target, { clients: clientsByTarget.get(target)?.slice(0, count) ?? [], durationMs, samples });
  say("long histories, one client");
  for (const round of await interleave(bench, targets, withClients(1))) {
    const base = round.get(directOf(targets))?.totals ?? new Float64Array();
    for (const [{ name }, { totals }] of round) {
      samples.add(name, "longAddedP50Ms", percentile(totals, 0.5) - percentile(base, 0.5));
    }
  }
  say(`long histories, ${CLIENTS} clients`);
  for (const round of await interleave(bench, targets, withClients(CLIENTS))) {
    for (const [{ name }, { requestsPerSecond }] of round) samples.add(name, "longThroughput", requestsPerSecond);
  }
};

/** Writes the history, turn by turn, where the target keeps one. */
async function longClient(target: Target, client: number): Promise<RequestSource> {
  const messages = Array.from({ length: HISTORY_TURNS }, (_, turn): Message => ({
    role: "user",
    content: plainText(TURN_CHARACTERS, client * HISTORY_TURNS + turn),
  }));
  const headers = { ...target.headers, authorization: `Bearer bench-${client}` };
  if (!target.hasMemory) return replayClient(headers, messages);
  const session = newSessionName(client);
  const full = { ...target.headers, "x-history-strategy": "full" };
  const connection = await openConnection(target.port);
  for (const message of messages) {
    await connection.send(chatRequest({ ...headers, ...full, "x-session-id": session }, [message]));
  }
  connection.close();
  return messagesInSession(session, { client, headers: full, stream: false });
}

function replayClient(headers: Readonly<Record<string, string>>, history: readonly Message[]): RequestSource {
  const answered = history.flatMap((message): Message[] => [
    message,
    { role: "assistant", content: "A short answer." },
  ]);
  const request = chatRequest(headers, [...answered, { role: "user", content: "And in winter?" }]);
  return { next: () => request };
}
