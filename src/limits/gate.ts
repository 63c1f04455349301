import type { Account } from "./account.ts";
import type { LeasedWindow } from "./leased-window.ts";
import type { LimitKind, WindowKind } from "./limits.ts";

/** One limit that one request has to pass. */
export interface Gate {
  readonly kind: LimitKind;
  enter(): Promise<boolean>;
  /** Another gate was shut, so the request does not run. */
  undo(): void;
  /** The request has ended. */
  leave(tokens: number): void;
  /** How long it stays shut, as far as that is known. */
  readonly waitMs: number | undefined;
}

interface WindowGate extends Gate {
  readonly window: LeasedWindow;
}

/** `each`: every request costs one; `billed`: it costs what it is billed in the end, and starts as long as any is left. */
export function windowGate(account: Account, kind: WindowKind, { limit, cost }: WindowCost): WindowGate {
  let window = account.window(kind, limit);
  return {
    kind,
    get window() {
      return window;
    },
    async enter() {
      for (;;) {
        window = account.window(kind, limit);
        const verdict = await window.enter(cost === "each" ? 1 : 0);
        if (verdict !== "over") return verdict === "granted";
      }
    },
    undo() {
      if (cost === "each") window.spend(-1);
    },
    leave(tokens) {
      if (cost === "billed" && tokens > 0) account.window(kind, limit).spend(tokens);
    },
    get waitMs() {
      return window.remainingMs;
    },
  };
}

interface WindowCost {
  readonly limit: number;
  readonly cost: "each" | "billed";
}

export function placeGate(account: Account, limit: number): Gate {
  const places = account.places(limit);
  return {
    kind: "concurrentRequests",
    enter: () => places.enter(),
    undo: () => places.leave(),
    leave: () => places.leave(),
    waitMs: undefined,
  };
}
