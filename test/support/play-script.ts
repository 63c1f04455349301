import type { ClientScript, ClientStep, ScriptedAnswer } from "./client-script.ts";
import type { ReferenceConversation, RequestedMode, Said } from "./reference-conversation.ts";
import { createAuthor, said } from "./simulated-author.ts";
import { createClient } from "./simulated-client.ts";
import { readMessage, type WireMessage, writeMessage } from "./wire-styles.ts";

/** What one request has to bring about. */
export interface ClientRequest {
  readonly messages: readonly WireMessage[];
  readonly mode: RequestedMode;
  /** The answer that the model is to give, one message per choice. */
  readonly wanted: readonly WireMessage[];
  readonly ending: ScriptedAnswer["ending"];
  readonly delay: number;
  /** A number without meaning, for a gateway that wants to vary something of its own. */
  readonly pick: number;
}

/**
 * Resolves when the gateway has remembered the exchange, with what the client saw of each choice; `undefined` when the
 * exchange failed and is no part of the history.
 */
export type Execute = (request: ClientRequest) => Promise<readonly WireMessage[] | undefined>;

export interface Played {
  /** What the client holds to be the conversation, opening included. */
  readonly beliefs: readonly (readonly Said[])[];
  readonly expectedModes: readonly string[];
}

interface PlayOptions {
  readonly execute: Execute;
  readonly reference: ReferenceConversation;
  /** Called whenever nothing is under way. */
  readonly check: (played: Played) => void | Promise<void>;
}

/**
 * Plays a script against any gateway behind `execute`, which may be a function or a real server. Steps that race are
 * begun together: each must have read the session before any of them is remembered.
 */
export async function playScript(script: ClientScript, { execute, reference, check }: PlayOptions): Promise<void> {
  const author = createAuthor(script.words);
  const shots = Array.from({ length: script.shots }, (_, at) => [
    said("user", `shot ${at}`),
    said("assistant", `hit ${at}`),
  ]);
  const isAlone = script.clients.length === 1;
  const clients = script.clients.map((traits) => createClient({ traits, opening: shots.flat(), author, isAlone }));
  const expectedModes: string[] = [];
  const play = async (step: ClientStep): Promise<void> => {
    const client = clients[step.client % clients.length];
    if (!client) return;
    const { sent, mode, ending, hear } = client.act(step);
    const exchange = reference.begin(sent, mode);
    expectedModes.push(exchange.mode);
    const answers = await execute({
      messages: sent.map((message, at) => writeMessage(message, client.styleOf(step, at))),
      mode,
      wanted: author.answers({ ...step.answer, ending }).map((answer) => writeMessage(answer, 0)),
      ending,
      delay: step.delay,
      pick: step.pick,
    });
    if (!answers) return;
    const heard = answers.map(readMessage);
    reference.finish(exchange, heard);
    hear(heard);
  };
  for (const group of racingGroups(script.steps)) {
    await Promise.all(group.map(play));
    await check({ beliefs: clients.map((client) => client.belief()), expectedModes });
  }
}

function racingGroups(steps: readonly ClientStep[]): ClientStep[][] {
  const groups: ClientStep[][] = [];
  for (const step of steps) {
    if (step.races && groups.length > 0) groups.at(-1)?.push(step);
    else groups.push([step]);
  }
  return groups;
}
