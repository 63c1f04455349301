import type { IncomingMessage, ServerResponse } from "node:http";

import type { LoggedRequest, SimulatedUpstreamOptions } from "../simulated-upstream.ts";
import type { ChatBody } from "./chat-body.ts";
import { createPromptCache } from "./prompt-cache.ts";

/** What the server remembers between requests. */
export interface World {
  readonly options: SimulatedUpstreamOptions;
  readonly countTokens: (text: string) => number;
  readonly bill: (body: ChatBody) => { promptTokens: number; cachedTokens: number };
  readonly scripts: Map<string, string>;
  summaryDirectives: string;
  embeddingSteering: { readonly directives: string; readonly text: string | undefined };
  readonly synonyms: Map<string, string>;
  readonly log: LoggedRequest[];
  readonly now: () => number;
  reset(cache: boolean): void;
  nextId(prefix: string): string;
}

/** One request and what it is answered with. */
export interface Exchange {
  readonly world: World;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly entry: LoggedRequest;
}

const unsteered: World["embeddingSteering"] = { directives: "", text: undefined };

export function createWorld(options: SimulatedUpstreamOptions): World {
  const countTokens = options.countTokens ?? ((text: string) => Math.ceil(text.length / 4));
  const now = options.now ?? Date.now;
  const cache = createPromptCache(options, countTokens, now);
  const scripts = new Map<string, string>();
  const log: LoggedRequest[] = [];
  let serial = 0;
  return {
    options,
    countTokens,
    bill: cache.bill,
    scripts,
    summaryDirectives: "",
    embeddingSteering: unsteered,
    synonyms: new Map(),
    log,
    now,
    reset(withCache) {
      log.length = 0;
      scripts.clear();
      this.summaryDirectives = "";
      this.embeddingSteering = unsteered;
      this.synonyms.clear();
      if (withCache) cache.clear();
    },
    nextId: (prefix) => `${prefix}${++serial}`,
  };
}
