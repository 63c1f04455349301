/** Where a login rests: its token is known by a hash, and tells nobody whose it is. */
export const loginName = (tokenHash: string): string => `login:${tokenHash}`;

/** Behind this stand the hashes of a user's tokens, so that an erasure finds the logins. */
export const loginsOf = (owner: string): string => `logins-of:${owner}:`;
