/** What a worker says to its supervisor. `call` numbers a question, so that answers find it. */
export type WorkerMessage =
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "metrics-wanted"; readonly call: number }
  | { readonly kind: "metrics"; readonly call: number; readonly text: string };

/** What the supervisor says to a worker. */
export type SupervisorMessage =
  | { readonly kind: "stop" }
  | { readonly kind: "metrics-wanted"; readonly call: number }
  | { readonly kind: "metrics-of-all"; readonly call: number; readonly text: string };
