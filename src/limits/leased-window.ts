import type { Clock } from "../kit/clock.ts";
import type { QuotaWindow } from "../store/quota-store.ts";
import { blockOf } from "./block-of.ts";
import type { SharedQuotas } from "./shared-quotas.ts";

/** `over`: the window ended while the store was asked; the next one decides. */
export type Verdict = "granted" | "refused" | "over";

interface LeasedWindowOptions {
  readonly name: string;
  readonly window: QuotaWindow;
  readonly quotas: SharedQuotas;
  readonly clock: Clock;
}

/**
 * One user's budget in one window of time, as one replica sees it. It takes blocks of the shared budget and spends them
 * in memory; blocks shrink with what is left, so that near the end little lies unspent in a replica that is idle.
 */
export class LeasedWindow {
  readonly #options: LeasedWindowOptions;
  /** Taken and not spent; below zero what was spent before it could be taken. */
  #held = 0;
  /** Taken by all replicas, as of the last answer. */
  #used = 0;
  #spentHere = 0;
  #nothingLeft = false;
  #waiting = 0;
  #asking: Promise<boolean> | undefined;

  constructor(options: LeasedWindowOptions) {
    this.#options = options;
  }

  get limit(): number {
    return this.#options.window.limit;
  }

  /** As far as this replica knows. */
  get remaining(): number {
    return Math.max(0, Math.min(this.limit, this.limit - this.#used + this.#held));
  }

  get remainingMs(): number {
    return this.#options.window.endsAt - this.#options.clock();
  }

  /** Whether something is left, and with a `cost` of 1 takes it. */
  async enter(cost: 0 | 1): Promise<Verdict> {
    for (;;) {
      if (this.remainingMs <= 0) return "over";
      if (this.#held > 0) {
        this.spend(cost);
        return "granted";
      }
      if (this.#nothingLeft) return "refused";
      if (!(await this.#askWaiting())) return this.#decideAlone(cost);
    }
  }

  /** What an admitted request turned out to cost, or, below zero, did not need. May overdraw the budget. */
  spend(amount: number): void {
    this.#held -= amount;
    this.#spentHere += amount;
    if (this.#isLow()) void this.#ask();
  }

  /** Without the store this replica's own count goes for all. */
  #decideAlone(cost: 0 | 1): Verdict {
    if (this.remainingMs <= 0) return "over";
    if (this.#spentHere >= this.limit) return "refused";
    this.#held -= cost;
    this.#spentHere += cost;
    return "granted";
  }

  /** Blocks of one are not fetched ahead: of a small budget nothing may lie unspent anywhere. */
  #isLow(): boolean {
    if (this.#nothingLeft || this.remainingMs <= 0) return false;
    const block = this.#block();
    return this.#held < 0 || (block > 1 && this.#held * 4 <= block);
  }

  #block(): number {
    return blockOf(this.limit - this.#used);
  }

  async #askWaiting(): Promise<boolean> {
    this.#waiting += 1;
    try {
      return await this.#ask();
    } finally {
      this.#waiting -= 1;
    }
  }

  /** One question at a time, for all that wait. Resolves to whether the store answered. */
  #ask(): Promise<boolean> {
    return (this.#asking ??= this.#take().finally(() => (this.#asking = undefined)));
  }

  async #take(): Promise<boolean> {
    const { quotas, name, window } = this.#options;
    const want = Math.max(this.#block(), this.#waiting) - Math.min(0, this.#held);
    const grant = await quotas.take(name, window, want);
    if (!grant) return false;
    this.#held += grant.granted;
    this.#used = grant.used;
    this.#nothingLeft = grant.granted < want;
    return true;
  }
}
