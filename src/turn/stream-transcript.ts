import { createAnswerAssembler } from "../protocol/assemble-answer.ts";
import type { ChatAnswer } from "../protocol/chat-answer.ts";
import { createKeptBytes } from "./kept-bytes.ts";

/** What is remembered of a stream while it flows: what it says, and not the events it came in. */
export interface StreamTranscript {
  /** Takes whole events, and holds no reference to them. */
  add(events: Buffer): void;
  /** Everything so far. */
  read(): TranscriptReading;
}

export interface TranscriptReading {
  readonly answer: ChatAnswer;
  /** Whether the upstream's last word, `[DONE]` apart, is an error. */
  readonly endsInError: boolean;
  /** The events as they came, where they were to be kept and are not too many. */
  readonly bytes: Buffer | undefined;
}

interface TranscriptOptions {
  readonly expectedChoices: number;
  readonly keepReasoning: boolean;
  /** Whether the client may ask for these very bytes again. */
  readonly keepBytes: boolean;
}

/** Some twenty events at a time cost less to parse than one by one, and not long enough to delay anybody. */
const BATCH_BYTES = 4 << 10;
/** So that a client that dawdles over a long answer costs less than a megabyte. A longer one is repeated from the store. */
const MAX_KEPT_BYTES = 512 << 10;

export function createStreamTranscript(options: TranscriptOptions): StreamTranscript {
  const assembler = createAnswerAssembler(options.expectedChoices, options);
  const kept = options.keepBytes ? createKeptBytes(MAX_KEPT_BYTES) : undefined;
  const batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
  let used = 0;

  const take = (events: Buffer): void => {
    kept?.add(events);
    assembler.add(events);
  };
  const takeBatch = (): void => {
    if (used > 0) take(batch.subarray(0, used));
    used = 0;
  };
  return {
    add(events) {
      if (used + events.length > batch.length) takeBatch();
      if (events.length > batch.length) take(events);
      else used += events.copy(batch, used);
    },
    read() {
      takeBatch();
      return { answer: assembler.answer(), endsInError: assembler.endsInError(), bytes: kept?.whole() };
    },
  };
}
