import type { Dispatcher } from "undici";

import { isClosedByPeer, toUpstreamError } from "./upstream-error.ts";
import { responseHeaders } from "./upstream-headers.ts";
import type { UpstreamCall, UpstreamHandler } from "./upstream.ts";

/** How often the present socket of a client was used. */
export interface Connection {
  uses: number;
}

/** A server that closed an idle connection as the request left says so within a round trip; later, it may have worked on it. */
const STALE_WINDOW_MS = 1_000;

interface ExchangeOptions {
  readonly handler: UpstreamHandler;
  readonly dispatch: (exchange: Exchange) => void;
  /** Whether the body can be sent a second time. */
  readonly repeatable: boolean;
  /** Whether the upstream account is one that all callers share. */
  readonly isShared: boolean;
}

/** One request and its answer: undici's callbacks on one side, the gateway's on the other. */
export class Exchange implements UpstreamCall, Dispatcher.DispatchHandler {
  /** Set by the client that sends this request. */
  connection: Connection | undefined;
  readonly #handler: UpstreamHandler;
  readonly #dispatch: (exchange: Exchange) => void;
  readonly #isShared: boolean;
  #repeatable: boolean;
  #controller: Dispatcher.DispatchController | undefined;
  #reusedAt: number | undefined;
  #headSeen = false;
  #paused = false;
  #settled = false;

  constructor({ handler, dispatch, repeatable, isShared }: ExchangeOptions) {
    this.#handler = handler;
    this.#dispatch = dispatch;
    this.#repeatable = repeatable;
    this.#isShared = isShared;
  }

  abort(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#controller?.abort(new Error("aborted"));
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) return controller.abort(new Error("aborted"));
    if (this.#paused) controller.pause();
    if (this.connection !== undefined) this.#reusedAt = this.connection.uses++ > 0 ? performance.now() : undefined;
  }

  onResponseStarted(): void {
    this.#repeatable = false;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<typeof responseHeaders>[0],
  ): void {
    if (this.#settled || status < 200) return;
    this.#headSeen = true;
    this.#handler.onHead({ status, headers: responseHeaders(headers, this.#isShared) });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#settled) this.#handler.onData(chunk);
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#handler.onEnd();
  }

  onResponseError(controller: Dispatcher.DispatchController | null | undefined, error: Error): void {
    // Before its start undici may fail a request inside `dispatch`, when the caller does not hold the call yet.
    if (controller) this.#fail(error);
    else queueMicrotask(() => this.#fail(error));
  }

  #fail(error: Error): void {
    if (this.#settled) return;
    if (this.#wasNeverReceived(error)) {
      this.#repeatable = false;
      return this.#dispatch(this);
    }
    this.#settled = true;
    this.#handler.onError(toUpstreamError(error, this.#headSeen));
  }

  /** True when a kept-alive socket was being closed while the request was written to it. */
  #wasNeverReceived(error: Error): boolean {
    if (!this.#repeatable || this.#reusedAt === undefined || !isClosedByPeer(error)) return false;
    return performance.now() - this.#reusedAt < STALE_WINDOW_MS;
  }
}
