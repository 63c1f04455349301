/** Many clients on few sessions at once, over every store: each turn is there once, whole, and in its client's order. */
import { setTimeout as pause } from "node:timers/promises";

import { afterEach, beforeEach, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, callerHeaders, errorCodes, said, send, textOf, transcript } from "../support/fault-client.ts";
import { inCiOrProving } from "../support/prove.ts";
import { type StartedStore, storeKinds } from "../support/store-kinds.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const CLIENTS = inCiOrProving(16, 64);
const TURNS = inCiOrProving(8, 200);
const SESSIONS = 4;
const REPLICAS = 2;
const MAX_WORDS = 5;
const MAX_TRIES = 20;
const RETRY_PAUSE_MS = 500;

interface SaidTurn {
  readonly client: number;
  readonly turn: number;
}

const sessionOf = (client: number): string => `crowd-${client % SESSIONS}`;
const wordsOf = ({ client, turn }: SaidTurn): number => 1 + ((client + turn) % MAX_WORDS);
const textOfTurn = (at: SaidTurn): string => `client ${at.client} turn ${at.turn} [[len:${wordsOf(at)}]]`;
const replyOf = (at: SaidTurn): string => Array.from({ length: wordsOf(at) }, (_, index) => `word${index}`).join(" ");

for (const kind of storeKinds) {
  kind.describe(`a crowd on ${kind.name}`, () => {
    let upstream: SimulatedUpstream;
    let folder: TempFolder;
    let store: StartedStore;
    let replicas: TestGateway[];
    beforeEach(async () => {
      upstream = await startSimulatedUpstream({ maxLoggedRequests: 1 });
      folder = await createTempFolder();
      store = await kind.start(folder.path);
      // What is sent stays short, so that the store is what is busy.
      const history = {
        STATEGATE_HISTORY__STRATEGY: "window",
        STATEGATE_HISTORY__MAX_TOKENS: "2000",
        STATEGATE_HISTORY__FLOOR_TOKENS: "0",
      };
      const env = { ...history, ...store.env, STATEGATE_STORE__TIMEOUT_MS: "20000" };
      replicas = [];
      for (let replica = 0; replica < (kind.isShared ? REPLICAS : 1); replica += 1) {
        replicas.push(await startTestGateway({ env, upstream }));
      }
    });
    afterEach(async () => {
      for (const replica of replicas) await replica.close();
      await store.stop();
      await upstream.close();
      await folder.remove();
    });

    const urlFor = ({ client, turn }: SaidTurn): string => replicas[(client + turn) % replicas.length]?.url ?? "";

    async function talk(client: number): Promise<void> {
      for (let turn = 0; turn < TURNS; turn += 1) {
        const at = { client, turn };
        for (let tries = 0; !(await isAnswered(at, tries)); tries += 1) {
          retries += 1;
          expect(tries).toBeLessThan(MAX_TRIES);
          await pause(RETRY_PAUSE_MS);
        }
      }
    }
    let retries = 0;

    /** A busy store may be late. A client tries again as SDKs do, which must not double what was stored all the same. */
    async function isAnswered(at: SaidTurn, tries: number): Promise<boolean> {
      const answer = await ask(urlFor(at), {
        session: sessionOf(at.client),
        stream: at.turn % 2 === 0,
        headers: { "x-stainless-retry-count": String(tries) },
        messages: [said(textOfTurn(at))],
      });
      const [code] = errorCodes(answer);
      if (code === "append_failed" || code === "store_unavailable") return false;
      const { status, whole } = answer;
      expect({ status, whole, text: textOf(answer), code }).toEqual({ status: 200, whole: true, text: replyOf(at) });
      return true;
    }

    it("loses, doubles, tears and mixes up nothing", { timeout: 1_800_000 }, async () => {
      await Promise.all(Array.from({ length: CLIENTS }, (_, client) => talk(client)));
      const url = replicas[0]?.url ?? "";
      const problems: string[] = [];
      const read = new Map<string, number>();
      let found = 0;
      for (let session = 0; session < SESSIONS; session += 1) {
        const lines = await transcript(url, sessionOf(session));
        const { turns, wrong } = readTurns(lines);
        read.set(sessionOf(session), turns.length);
        found += turns.length;
        problems.push(...wrong, ...misplaced(turns, session));
      }
      process.stdout.write(
        `${CLIENTS} clients × ${TURNS} turns on ${SESSIONS} sessions over ${kind.name}: ${found} stored, ${retries} tries repeated, ${problems.length} problems\n`,
      );
      expect(problems).toEqual([]);
      expect(found).toBe(CLIENTS * TURNS);
      expect(await countedTurns(url)).toEqual(read);
    });
  });
}

/** Turns of each session by their own counts: no session nor turn is there that no transcript shows. */
async function countedTurns(url: string): Promise<Map<string, number>> {
  const { body } = await send(`${url}/sessions?limit=100`, { headers: callerHeaders({}) });
  const { data } = JSON.parse(body) as { data: { id: string; turn_count: number }[] };
  return new Map(data.map(({ id, turn_count: turns }) => [id, turns]));
}

/** Turns of a transcript, each a question with its own answer behind it. */
function readTurns(lines: readonly string[]): { turns: SaidTurn[]; wrong: string[] } {
  const turns: SaidTurn[] = [];
  const wrong: string[] = [];
  for (let at = 0; at < lines.length; at += 2) {
    const [, client, turn] = /^user: client (\d+) turn (\d+) /.exec(lines[at] ?? "") ?? [];
    const said = { client: Number(client), turn: Number(turn) };
    if (lines[at] !== `user: ${textOfTurn(said)}`) wrong.push(`no question: ${lines[at]}`);
    else if (lines[at + 1] !== `assistant: ${replyOf(said)}`)
      wrong.push(`not its answer: ${lines[at]} ${lines[at + 1]}`);
    else turns.push(said);
  }
  return { turns, wrong };
}

/** Each client of the session has its turns there in order, without a gap or a repetition. */
function misplaced(turns: readonly SaidTurn[], session: number): string[] {
  const wrong: string[] = [];
  for (let client = session; client < CLIENTS; client += SESSIONS) {
    const order = turns.filter((said) => said.client === client).map(({ turn }) => turn);
    const isWhole = order.length === TURNS && order.every((turn, index) => turn === index);
    if (!isWhole) wrong.push(`client ${client}: ${order.join(" ")}`);
  }
  const strangers = turns.filter(({ client }) => client % SESSIONS !== session);
  return [...wrong, ...strangers.map((said) => `in another's session: ${textOfTurn(said)}`)];
}
