import type { Conversation } from "../../src/turn/play-conversation.ts";
import { addBills, type Bill, nothing, playPolicy, type PolicyName } from "./play-policies.ts";
import type { PriceProfile } from "./price-profiles.ts";

export interface Suite {
  readonly conversations: readonly Conversation[];
  readonly floorTokens: number;
  readonly countText: (text: string) => number;
}

export type Bills = ReadonlyMap<PolicyName, Bill>;

/** What all conversations of a suite were billed, by policy. */
export function comparePolicies(suite: Suite, profile: PriceProfile, names: readonly PolicyName[]): Bills {
  return new Map(
    names.map((name) => [
      name,
      suite.conversations
        .map((conversation) => playPolicy(name, { ...suite, conversation, profile }))
        .reduce(addBills, nothing),
    ]),
  );
}
