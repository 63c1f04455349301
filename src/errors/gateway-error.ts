import { type ErrorCode, errorCatalog } from "./error-catalog.ts";

interface GatewayErrorOptions extends ErrorOptions {
  /** Replaces the catalogue's sentence for the client. Never holds message text, header values or keys. */
  readonly publicDetail?: string;
  /** OpenAI's `param`: which field is wrong. */
  readonly param?: string;
  /** When the same request may succeed, for `Retry-After`; 1 s unless something is known. */
  readonly retryAfterMs?: number;
  /** Of the answer, besides those that every error has. */
  readonly headers?: Readonly<Record<string, string>>;
}

const DEFAULT_RETRY_MS = 1_000;

/** The one error class. `message` and `cause` are for operators, the catalogue's sentence is for clients. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly param: string | null;
  readonly publicMessage: string;
  readonly retryAfterMs: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options);
    this.name = "GatewayError";
    this.code = code;
    this.param = options.param ?? null;
    this.retryAfterMs = options.retryAfterMs ?? DEFAULT_RETRY_MS;
    this.headers = options.headers ?? {};
    this.publicMessage = options.publicDetail ?? errorCatalog[code].publicMessage;
  }

  get status(): number {
    return errorCatalog[this.code].status;
  }

  get retryable(): boolean {
    return errorCatalog[this.code].retryable;
  }
}

export const hasCode = (error: unknown, code: ErrorCode): error is GatewayError =>
  error instanceof GatewayError && error.code === code;
