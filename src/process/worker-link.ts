import type { SupervisorMessage, WorkerMessage } from "./worker-messages.ts";

/** A worker's line to its supervisor. */
export interface WorkerLink {
  listening(url: string): void;
  /** Calls `stop` when the supervisor says so or is gone, at once if it has been. */
  onStop(stop: () => void): void;
  /** Answers the supervisor's question with `render`, and resolves to what every worker of the gateway measured. */
  shareMetrics(render: () => Promise<string>): () => Promise<string>;
}

/** The part of `process` that a forked worker has. */
export type WorkerPort = Pick<NodeJS.Process, "send" | "on" | "once">;

/** A worker ends when its supervisor says so; a signal that reaches the whole group of processes is not for it. */
export function openWorkerLink(port: WorkerPort): WorkerLink {
  const waiting = new Map<number, (text: string) => void>();
  // It may come before there is anything to stop.
  const stopped = Promise.withResolvers<void>();
  let render: (() => Promise<string>) | undefined;
  let calls = 0;
  const say = (message: WorkerMessage): void => void port.send?.(message);

  port.on("message", (message: SupervisorMessage) => {
    if (message.kind === "stop") return stopped.resolve();
    const { call } = message;
    if (message.kind === "metrics-wanted") return void render?.().then((text) => say({ kind: "metrics", call, text }));
    waiting.get(call)?.(message.text);
    waiting.delete(call);
  });
  port.once("disconnect", () => stopped.resolve());
  for (const signal of ["SIGTERM", "SIGINT"] as const) port.on(signal, () => undefined);

  return {
    listening: (url) => say({ kind: "listening", url }),
    onStop: (stop) => void stopped.promise.then(stop),
    shareMetrics(renderHere) {
      render = renderHere;
      return () =>
        new Promise((resolve) => {
          calls += 1;
          waiting.set(calls, resolve);
          say({ kind: "metrics-wanted", call: calls });
        });
    },
  };
}
