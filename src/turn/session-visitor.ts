import type { Caller, Principal } from "../identity/principal.ts";

/** Who comes to a session, and from where. */
export interface SessionVisitor {
  readonly owner: string;
  readonly address: string;
  /** "" when the client does not say. */
  readonly userAgent: string;
}

export const visitorOf = ({ owner }: Principal, { address, headers }: Caller): SessionVisitor => ({
  owner,
  address,
  userAgent: headers["user-agent"] ?? "",
});
