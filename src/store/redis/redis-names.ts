/**
 * The names of our keys. The braces are Redis Cluster's hash tag: keys that one script touches there lie in one slot. A
 * session and an owner's index have slots of their own; records share one, and so does the audit log: both are small and seldom
 * written, and atomic with their indexes this way.
 */
export interface RedisNames {
  session(key: string): string;
  owner(owner: string): string;
  record(name: string): string;
  /** Names of all records, in the order of their bytes. */
  readonly recordNames: string;
  /** Names of records that expire, by when. */
  readonly recordEnds: string;
  quota(name: string): string;
  readonly notices: string;
  auditChain(chain: string): string;
  /** Every row, by time. */
  readonly auditTimes: string;
  /** Every chain, by the time of its first row. */
  readonly auditChains: string;
  lease(name: string): string;
  /** How the first release named what are records now. */
  firstKey(name: string): string;
  /** There once the first release's keys are records. */
  readonly firstKeysAdopted: string;
}

export function createRedisNames(prefix: string): RedisNames {
  return {
    session: (key) => `${prefix}session:{${key}}`,
    owner: (owner) => `${prefix}owner:{${owner}}`,
    record: (name) => `${prefix}record:{records}:${name}`,
    recordNames: `${prefix}record-names:{records}`,
    recordEnds: `${prefix}record-ends:{records}`,
    quota: (name) => `${prefix}quota:${name}`,
    notices: `${prefix}notices`,
    auditChain: (chain) => `${prefix}audit-chain:{audit}:${chain}`,
    auditTimes: `${prefix}audit-times:{audit}`,
    auditChains: `${prefix}audit-chains:{audit}`,
    lease: (name) => `${prefix}lease:${name}`,
    firstKey: (name) => `${prefix}key:${name}`,
    firstKeysAdopted: `${prefix}first-keys-adopted`,
  };
}
