/**
 * Runs `work` again and again, each run so many milliseconds after the last one has ended; keeps no process alive.
 * `work` must not reject. The answer stops it: a run that is under way ends by itself.
 */
export function repeat(everyMs: number, work: () => Promise<void>): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const next = (): void => {
    if (stopped) return;
    timer = setTimeout(() => void round(), everyMs).unref();
  };
  const round = async (): Promise<void> => {
    await work();
    next();
  };
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
