import { messagesAlone, messagesInSession, newSessionName } from "../load/chat-requests.ts";
import { openConnection } from "../load/http-connection.ts";
import type { Target } from "./target.ts";

const TURNS = 3;

/** Rejects when a target does not do what its column claims: answer, and remember where it should. */
export async function checkTarget({ name, port, headers, hasMemory }: Target): Promise<void> {
  const client = { client: 0, headers, stream: false };
  const source = hasMemory ? messagesInSession(newSessionName(0), client) : messagesAlone(client);
  const connection = await openConnection(port);
  let answer = await connection.send(source.next(), { keepText: true });
  for (let turn = 1; turn < TURNS; turn++) answer = await connection.send(source.next(), { keepText: true });
  connection.close();
  const turn = /^x-session-turn: (\d+)/im.exec(answer.text)?.[1];
  const isRight =
    answer.status === 200 && answer.text.includes("A short answer") && (!hasMemory || turn === `${TURNS}`);
  if (!isRight) throw new Error(`${name} is not what it should be; its answer to turn ${TURNS}:\n${answer.text}`);
}
