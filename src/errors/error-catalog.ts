/** What a failure looks like from outside. A code is public API for ever: a retired one stays listed and is never reused. */
interface CatalogEntry {
  readonly status: number;
  readonly type: string;
  /** Whether the same request may succeed later; such an answer carries `Retry-After`. */
  readonly retryable: boolean;
  /** The only sentence a client sees, unless the error was raised with a `publicDetail`. */
  readonly publicMessage: string;
}

const invalid = (status: number, publicMessage: string): CatalogEntry => ({
  status,
  type: "invalid_request_error",
  retryable: false,
  publicMessage,
});
const forbidden = (publicMessage: string): CatalogEntry => ({
  status: 403,
  type: "permission_error",
  retryable: false,
  publicMessage,
});
const unavailable = (status: number, publicMessage: string): CatalogEntry => ({
  status,
  type: "server_error",
  retryable: true,
  publicMessage,
});

export const errorCatalog = {
  body_not_json: invalid(400, "The request body is not valid JSON."),
  body_too_deep: invalid(400, "The request body is nested too deeply."),
  body_too_many_keys: invalid(400, "The request body has too many keys or list items."),
  body_too_large: invalid(413, "The request body is larger than this gateway accepts."),
  body_encoding_unsupported: invalid(415, "Send the request body without content encoding."),
  invalid_request: invalid(400, "The request is not a valid chat completion request."),
  invalid_session_id: invalid(400, "X-Session-Id must be 1 to 128 visible ASCII characters."),
  conflicting_session_id: invalid(400, "The request names more than one session id."),
  session_id_in_query: invalid(400, "A session id is not accepted in the query string. Send the X-Session-Id header."),
  invalid_user_id: invalid(400, "X-User-Id must be 1 to 256 characters without control characters."),
  invalid_header: invalid(400, "A request header has a value that this gateway does not know."),
  invalid_parameter: invalid(400, "A parameter has a value that this gateway does not accept."),
  idempotency_key_reused: invalid(422, "This Idempotency-Key was already used with a different request body."),
  turn_in_flight: {
    status: 409,
    type: "invalid_request_error",
    retryable: true,
    publicMessage: "A request with this Idempotency-Key is still running.",
  },
  conversation_locked: {
    status: 409,
    type: "invalid_request_error",
    retryable: true,
    publicMessage: "Another request on this session is still running.",
  },
  session_exists: invalid(409, "A session with this id already exists."),
  credential_missing: {
    status: 401,
    type: "authentication_error",
    retryable: false,
    publicMessage:
      "A session needs a credential. Send an Authorization: Bearer header (any key where the upstream needs none).",
  },
  credential_refused: {
    status: 401,
    type: "authentication_error",
    retryable: false,
    publicMessage: "The credential is not valid.",
  },
  credential_placeholder: {
    status: 401,
    type: "authentication_error",
    retryable: false,
    publicMessage:
      "This is a placeholder key that many people use. Off loopback a session needs a key that is yours alone.",
  },
  identity_unavailable: unavailable(503, "Your token cannot be verified at the moment. Retry."),
  user_conflict: forbidden("This credential belongs to another user than X-User-Id names."),
  route_not_shared: forbidden(
    "This gateway's upstream account is shared: requests that name stored objects of the account are refused.",
  ),
  route_not_redactable: forbidden(
    "This gateway forwards no personal data, and the body of this request cannot be checked for it.",
  ),
  csrf_header_missing: forbidden("A request by cookie needs the header X-Stategate-Csrf: 1."),
  session_bound_elsewhere: forbidden("This session is bound to the address or client that began it."),
  admin_refused: {
    status: 401,
    type: "authentication_error",
    retryable: false,
    publicMessage: "Send the gateway's admin key as Authorization: Bearer.",
  },
  user_not_found: invalid(404, "There is no user with this id."),
  rate_limit_exceeded: {
    status: 429,
    type: "rate_limit_error",
    retryable: true,
    publicMessage: "Too many requests or tokens. Retry when the header Retry-After says.",
  },
  session_limit_reached: {
    status: 429,
    type: "rate_limit_error",
    retryable: false,
    publicMessage: "You have as many sessions as you may have. Delete one, or let one expire.",
  },
  malformed_http: invalid(400, "The request is not valid HTTP."),
  headers_too_large: invalid(431, "The headers of the request are larger than this gateway accepts."),
  request_timeout: invalid(408, "The request did not arrive in time."),
  not_found: invalid(404, "There is nothing at this address."),
  session_not_found: invalid(404, "There is no session with this id."),
  store_unavailable: unavailable(503, "The session store cannot be reached. Nothing was asked of the model; retry."),
  append_failed: unavailable(503, "The answer could not be stored, so this turn is not remembered. Retry the request."),
  session_conflict: unavailable(409, "The session changed while this turn was running. Retry the request."),
  record_unreadable: {
    status: 500,
    type: "server_error",
    retryable: false,
    publicMessage: "The stored session cannot be opened with this gateway's keys.",
  },
  redaction_failed: unavailable(
    503,
    "The request could not be checked for personal data, so it was neither sent on nor stored.",
  ),
  upstream_unreachable: unavailable(502, "The upstream cannot be reached."),
  upstream_timeout: unavailable(504, "The upstream did not answer in time."),
  upstream_cut: unavailable(502, "The upstream closed the connection before its answer was complete."),
  internal: {
    status: 500,
    type: "server_error",
    retryable: false,
    publicMessage: "The gateway failed. The request id names the entry in its log.",
  },
} as const satisfies Record<string, CatalogEntry>;

export type ErrorCode = keyof typeof errorCatalog;
