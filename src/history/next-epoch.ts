import type { EpochState } from "./history-strategy.ts";

/** The epoch goes on while it begins where it did; any other start is a new one, with an empty ledger. */
export const nextEpoch = (epoch: EpochState, firstTurn: number, ledger: number): EpochState =>
  firstTurn === epoch.firstTurn
    ? { ...epoch, ledger }
    : { number: epoch.number + 1, firstTurn, ledger: 0, summaryFailed: false };
