import { createHash, randomInt } from "node:crypto";

import type { SimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, callerHeaders, said, send, textOf, transcript, type WireAnswer } from "./fault-client.ts";

/** One end user: a credential, perhaps shared with others, and perhaps a name within it. */
export interface User {
  readonly name: string;
  readonly key: string;
  readonly user?: string;
  /** The key names its user, so that no header may name another. */
  readonly fixed?: boolean;
  /** Stands in everything this user says, and in nothing anybody else says. */
  readonly canary: string;
  /** Texts of acknowledged turns by session id; what was broken off may be there besides. */
  readonly sessions: Map<string, string[]>;
  readonly deleted: Set<string>;
}

export function createUser(name: string, key: string, user?: string): User {
  const canary = `canary${createHash("sha256").update(name).digest("hex").slice(0, 16)}`;
  return { name, key, ...(user !== undefined && { user }), canary, sessions: new Map(), deleted: new Set() };
}

export const idKinds = ["own", "foreign", "unknown", "deleted", "malformed"] as const;
export type IdKind = (typeof idKinds)[number];

/** Names that all users take for their sessions, chosen to break paths, keys, scripts and parsers. */
export const hostileIds: readonly string[] = [
  "chat",
  "a:b",
  "a",
  "b",
  ":",
  "{a}",
  "owner:{a}",
  "stategate:session:{a}",
  "*",
  "?a=b",
  "#a",
  "..",
  ".",
  "../chat",
  "%2e%2e",
  "chat/messages",
  "chat%2Fmessages",
  "a&b",
  "a|b",
  "a,b",
  "__proto__",
  "constructor",
  "undefined",
  "null",
  "0",
  "-1",
  "NaN",
  "true",
  "[object",
  "';DROP",
  "1'OR'1'='1",
  "<script>",
  "${a}",
  "{{a}}",
  "$(a)",
  "`a`",
  "\\",
  '"',
  "'",
  "~",
  "!",
  "EVAL",
  "Chat",
  "CHAT",
  "x".repeat(128),
  `${"x".repeat(127)}y`,
];

export const malformedIds: readonly string[] = ["", "x".repeat(129), "a b", "a\tb", "é", "💥"];

const pick = <T>(from: readonly T[]): T => {
  const chosen = from[randomInt(from.length)];
  if (chosen === undefined) throw new Error("nothing to choose from");
  return chosen;
};

export interface IsolationWorld {
  readonly users: readonly User[];
  /** An id of a kind, from the view of one user; another kind where there is none of it yet. */
  chooseId(user: User): { readonly id: string; readonly kind: IdKind };
  /** Looks for what others said; remembers every crossing. */
  inspect(user: User, where: string, answer: WireAnswer): void;
  /** Looks through everything the upstream was sent: one user's words under that user's key only, or the gateway's. */
  inspectUpstream(upstream: SimulatedUpstream, gatewayKey?: string): void;
  readonly crossings: readonly string[];
}

export function createIsolationWorld(users: readonly User[]): IsolationWorld {
  const crossings: string[] = [];
  const byCanary = new Map(users.map((user) => [user.canary, user]));
  const canariesIn = (text: string): User[] =>
    [...new Set(text.match(/canary[0-9a-f]{16}/g))].flatMap((canary) => byCanary.get(canary) ?? []);
  let unknown = 0;
  return {
    users,
    crossings,
    chooseId(user) {
      const kind = pick(idKinds);
      const own = [...user.sessions.keys()];
      const foreign = users.flatMap((other) => (other === user ? [] : [...other.sessions.keys()]));
      const notOwn = foreign.filter((id) => !user.sessions.has(id));
      if (kind === "own" && own.length > 0) return { id: pick(own), kind };
      if (kind === "foreign" && notOwn.length > 0) return { id: pick(notOwn), kind };
      if (kind === "deleted" && user.deleted.size > 0) return { id: pick([...user.deleted]), kind };
      if (kind === "malformed") return { id: pick(malformedIds), kind };
      return { id: `unknown-${user.name}-${++unknown}`, kind: "unknown" };
    },
    inspect(user, where, { headers, body }) {
      for (const other of canariesIn(JSON.stringify(headers) + body)) {
        if (other !== user) crossings.push(`${where}: ${user.name} was shown words of ${other.name}`);
      }
    },
    inspectUpstream(upstream, gatewayKey) {
      for (const { bytes, headers } of upstream.log) {
        const heard = canariesIn(bytes.toString("utf8") + JSON.stringify(headers));
        const [first] = heard;
        if (heard.length > 1)
          crossings.push(`upstream: one request with words of ${heard.map(({ name }) => name).join()}`);
        if (first && headers.authorization !== `Bearer ${gatewayKey ?? first.key}`)
          crossings.push(`upstream: words of ${first.name} under another's key`);
      }
    },
  };
}

/** Percent-encodes every character, dots included, so that no path is taken for another. */
export const pathOf = (id: string): string =>
  [...Buffer.from(id)].map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`).join("");

let serial = 0;

/** One chat turn; `aborted` leaves in the middle of the stream. */
export async function chat(
  url: string,
  user: User,
  { id, stream, aborted }: { id: string; stream: boolean; aborted: boolean },
): Promise<WireAnswer> {
  const text = `${user.canary} says ${++serial}`;
  const answer = await ask(url, {
    ...user,
    session: Buffer.from(id).toString("latin1"),
    stream: stream || aborted,
    messages: [said(text)],
    ...(aborted && { leaveAt: (_event: string, count: number) => count === 3 }),
  });
  if (answer.status === 200) {
    const turns = user.sessions.get(id) ?? [];
    user.sessions.set(id, turns);
    user.deleted.delete(id);
    if (answer.whole && textOf(answer).includes(text)) turns.push(text);
  }
  return answer;
}

export const get = (url: string, user: User, path: string): Promise<WireAnswer> =>
  send(`${url}${path}`, { headers: callerHeaders(user) });

/** What is wrong with a user's own stored transcript: words missing, doubled, moved, or not the user's own. */
export async function checkOwnTranscript(url: string, user: User, id: string): Promise<string[]> {
  const stored = await transcript(url, id, user, pathOf);
  const foreign = stored.filter((line) => !line.includes(user.canary));
  const saidHere = stored.flatMap((line) => (line.startsWith("user: ") ? [line.slice("user: ".length)] : []));
  const acknowledged = user.sessions.get(id) ?? [];
  const kept = saidHere.filter((text) => acknowledged.includes(text));
  const problems = foreign.map((line) => `${user.name}/${id}: not this user's: ${line}`);
  if (kept.join("\n") !== acknowledged.join("\n"))
    problems.push(`${user.name}/${id}: said ${acknowledged.length} turns, found ${saidHere.join(" | ")}`);
  return problems;
}
