/** The adapter judges the rest of an address when it opens; this much is known before. */
export const STORE_ADDRESS_SHAPE = /^(?:memory:|sqlite:.+|rediss?:\/\/.+|dynamodb:\/\/.+)$/;

/** `id:base64,id:base64`; 32 bytes are 43 base64 characters and one of padding. */
export const MASTER_KEYS_SHAPE = new RegExp(`^${entry()}(?:,${entry()})*$`);

function entry(): string {
  return String.raw`\s*[\w.-]{1,64}:[\w+/-]{43}=?\s*`;
}

/** Scheme, host and port, as browsers send them. */
export const ORIGIN_SHAPE = /^https?:\/\/[^/?#@\s]+$/;

/** `GET /files` or `GET /files/*`; an asterisk is one whole segment. */
export const SHARED_ROUTE_SHAPE = /^(?:GET|POST|DELETE|PUT|PATCH) (?:\/(?:[\w.-]+|\*))+$/;

export const ENTITY_NAME_SHAPE = /^[A-Z][A-Z0-9_]{1,23}$/;
