import type { EpochState } from "./history-strategy.ts";

/** A new front, with an empty ledger. */
export const beginEpoch = ({ number }: EpochState, firstTurn: number): EpochState => ({
  number: number + 1,
  firstTurn,
  ledger: 0,
  summaryFailed: false,
});

/** The epoch goes on while it begins where it did; any other start is a new one. */
export const nextEpoch = (epoch: EpochState, firstTurn: number, ledger: number): EpochState =>
  firstTurn === epoch.firstTurn ? { ...epoch, ledger } : beginEpoch(epoch, firstTurn);
