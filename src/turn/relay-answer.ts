import type { ServerResponse } from "node:http";

import { GatewayError } from "../errors/gateway-error.ts";
import { assembleFromJson } from "../protocol/assemble-answer.ts";
import type { ChatAnswer } from "../protocol/chat-answer.ts";
import { mayCarrySignal, readSignal, splitEvents } from "../protocol/sse-event.ts";
import { createSseSplitter } from "../protocol/sse-splitter.ts";
import { restoreAnswer } from "../redaction/restore-answer.ts";
import { createStreamRestorer, type StreamRestorer } from "../redaction/restore-stream.ts";
import type { WithheldLookup } from "../redaction/restore-text.ts";
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamHead, UpstreamRequest } from "../upstream/upstream.ts";
import { createStreamTranscript, type StreamTranscript, type TranscriptReading } from "./stream-transcript.ts";

export interface RelayOptions {
  readonly upstream: Upstream;
  readonly request: UpstreamRequest;
  readonly client: ServerResponse;
  /** Added to the upstream's own response headers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly expectedChoices: number;
  /** False: the usage chunk is the gateway's own wish, the client never sees it. */
  readonly clientWantsUsage: boolean;
  readonly keepReasoning: boolean;
  /** Whether the client may ask for these very bytes again. */
  readonly keepBytes: boolean;
  readonly onDisconnect: "cancel" | "finish";
  /** What is put back into the answer on its way to the client. */
  readonly restoring: WithheldLookup | undefined;
}

export interface RelayResult {
  /** 0 when no head came. */
  readonly status: number;
  /** How the answer travelled; `passed` is anything that is not a successful chat answer, already sent as it was. */
  readonly form: "json" | "stream" | "passed" | "none";
  readonly answer: ChatAnswer | undefined;
  /** What the client gets once the turn is stored: the end of a stream, or a whole plain answer. */
  readonly held: readonly Buffer[];
  readonly head: UpstreamHead | undefined;
  /** The answer as the upstream sent it, with its placeholders, where a retry may ask for it and it is not too long. */
  readonly bytes: Buffer | undefined;
  readonly failure: GatewayError | undefined;
  readonly clientGone: boolean;
  /** From asking to the first byte of the body. */
  readonly firstByteMs: number | undefined;
}

/** What one answer may weigh: beyond it memory, not the client, is what must be protected. */
const MAX_ANSWER_BYTES = 64 << 20;

/**
 * Asks the upstream and passes its answer on as it comes, assembling it for the transcript on the way.
 * The end of a good answer is held back: the caller releases it when the turn is stored.
 */
export function relayAnswer(options: RelayOptions): Promise<RelayResult> {
  return new Promise((resolve) => {
    new AnswerRelay(options, resolve).start();
  });
}

class AnswerRelay implements UpstreamHandler {
  readonly #options: RelayOptions;
  readonly #resolve: (result: RelayResult) => void;
  readonly #splitter = createSseSplitter();
  readonly #startedAt = performance.now();
  #transcript: StreamTranscript | undefined;
  /** A plain answer. */
  readonly #body: Buffer[] = [];
  readonly #held: Buffer[] = [];
  readonly #restorer: StreamRestorer | undefined;
  #call: UpstreamCall | undefined;
  #head: UpstreamHead | undefined;
  #form: RelayResult["form"] = "none";
  #size = 0;
  #ending = false;
  #paused = false;
  #clientGone = false;
  #settled = false;
  #firstByteMs: number | undefined;

  constructor(options: RelayOptions, resolve: (result: RelayResult) => void) {
    this.#options = options;
    this.#resolve = resolve;
    const { restoring } = options;
    this.#restorer = restoring && restoring.size > 0 ? createStreamRestorer(restoring) : undefined;
  }

  start(): void {
    const { client, upstream, request } = this.#options;
    client.on("close", this.#onClientClose);
    client.on("drain", this.#onClientDrain);
    this.#call = upstream.send(request, this);
    if (client.destroyed) this.#onClientClose();
  }

  onHead(head: UpstreamHead): void {
    this.#head = head;
    const type = String(head.headers["content-type"] ?? "");
    if (head.status !== 200) this.#form = "passed";
    else if (type.includes("text/event-stream")) this.#form = "stream";
    else this.#form = type.includes("json") ? "json" : "passed";
    if (this.#form === "stream") this.#transcript = createStreamTranscript(this.#options);
    if (this.#form !== "json") this.#sendHead(head);
  }

  onData(chunk: Buffer): void {
    this.#firstByteMs ??= performance.now() - this.#startedAt;
    if (this.#form === "passed") return this.#write(chunk);
    this.#size += chunk.length;
    if (this.#size > MAX_ANSWER_BYTES)
      return this.#breakOff(new GatewayError("upstream_cut", "an answer over the bound"));
    if (this.#form === "json") {
      this.#body.push(chunk);
      return;
    }
    try {
      const events = this.#splitter.push(chunk);
      if (events) this.#forward(events);
    } catch (error) {
      this.#breakOff(error);
    }
  }

  onEnd(): void {
    // Some providers leave out the blank line behind their last event.
    if (this.#form === "stream") this.#forward(this.#splitter.rest());
    this.#settle(undefined);
  }

  onError(error: Error): void {
    this.#settle(error);
  }

  readonly #onClientDrain = (): void => {
    if (!this.#paused) return;
    this.#paused = false;
    this.#call?.resume();
  };

  readonly #onClientClose = (): void => {
    if (this.#settled || this.#clientGone) return;
    this.#clientGone = true;
    this.#onClientDrain();
    if (this.#options.onDisconnect === "finish" && this.#form !== "passed") return;
    this.#call?.abort();
    this.#settle(undefined);
  };

  #sendHead(head: UpstreamHead): void {
    const { client, headers } = this.#options;
    if (this.#clientGone) return;
    client.writeHead(head.status, responseHeaders(head, headers, { form: this.#form }));
    // Head and first event share a segment; only a model that thinks first gets its head alone.
    setImmediate(() => {
      if (this.#firstByteMs === undefined && !this.#clientGone && !client.writableEnded) client.flushHeaders();
    });
  }

  #forward(events: Buffer): void {
    if (events.length === 0) return;
    this.#transcript?.add(events);
    this.#show(this.#restorer?.push(events) ?? events);
  }

  #show(events: Buffer): void {
    if (events.length === 0) return;
    if (!this.#ending && !mayCarrySignal(events)) return this.#write(events);
    for (const event of splitEvents(events)) {
      const { done, usageOnly } = readSignal(event);
      this.#ending ||= done;
      if (usageOnly && !this.#options.clientWantsUsage) continue;
      // A piece of what was read would keep all of it.
      if (this.#ending) this.#held.push(Buffer.from(event));
      else this.#write(event);
    }
  }

  #write(bytes: Buffer): void {
    if (this.#clientGone || this.#options.client.write(bytes) || this.#paused) return;
    this.#paused = true;
    this.#call?.pause();
  }

  #breakOff(error: unknown): void {
    this.#call?.abort();
    this.#settle(error);
  }

  #settle(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    const { client } = this.#options;
    client.off("close", this.#onClientClose);
    client.off("drain", this.#onClientDrain);
    if (this.#restorer) this.#show(this.#restorer.end());
    const { answer, bytes, endsInError } = this.#read();
    this.#resolve({
      status: this.#head?.status ?? 0,
      form: this.#form,
      answer,
      held: this.#form === "json" && bytes ? [this.#restored(bytes)] : this.#held,
      head: this.#head,
      bytes,
      // What the upstream said itself about its failure has been passed on, and is the better explanation.
      failure: endsInError ? undefined : this.#failure(error, answer),
      clientGone: this.#clientGone,
      firstByteMs: this.#firstByteMs,
    });
  }

  #read(): Partial<TranscriptReading> {
    if (this.#form !== "json") return this.#transcript?.read() ?? {};
    const bytes = Buffer.concat(this.#body);
    const answer = assembleFromJson(bytes, this.#options);
    return answer ? { answer, bytes } : { bytes };
  }

  #restored(body: Buffer): Buffer {
    const { restoring } = this.#options;
    return restoring ? restoreAnswer(body, restoring) : body;
  }

  #failure(error: unknown, answer: ChatAnswer | undefined): GatewayError | undefined {
    // An answer whose every choice is finished is whole, however its connection ended.
    if (answer?.complete) return undefined;
    if (error !== undefined) return asGatewayError(error);
    // A stream that ends politely but without its finish reasons was cut all the same.
    if (this.#form !== "stream" || this.#clientGone) return undefined;
    return new GatewayError("upstream_cut", "the stream ended before its answer was complete");
  }
}

export function responseHeaders(
  head: UpstreamHead,
  added: Readonly<Record<string, string>>,
  { form, size }: { form: RelayResult["form"]; size?: number },
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { ...head.headers, ...added };
  // A stream may lose its usage chunk or gain an error on the way: its length is not the upstream's to promise.
  if (form === "stream") delete headers["content-length"];
  else if (size !== undefined && "content-length" in headers) headers["content-length"] = String(size);
  return headers;
}

const asGatewayError = (error: unknown): GatewayError =>
  error instanceof GatewayError ? error : new GatewayError("upstream_cut", "the answer broke off", { cause: error });
