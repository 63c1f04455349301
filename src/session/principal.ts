/** Who a request acts for: tenant and user, from a verified credential; never from the session id. */
export interface Principal {
  /** Keyed hash of tenant and user: the only form in which stores see them. */
  readonly owner: string;
}
