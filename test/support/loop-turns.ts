export interface LoopTurns {
  readonly now: () => number;
  stop(): void;
}

/** Counts turns of the event loop: in each of them sockets and timers are looked at. */
export function countLoopTurns(): LoopTurns {
  let turn = 0;
  let isOver = false;
  const next = (): void => {
    turn += 1;
    if (!isOver) setImmediate(next);
  };
  setImmediate(next);
  return { now: () => turn, stop: () => void (isOver = true) };
}
