/** The names of our keys. The braces are Redis Cluster's hash tag: what is kept beside a session lands in its slot. */
export interface RedisNames {
  session(key: string): string;
  owner(owner: string): string;
  key(name: string): string;
  lease(name: string): string;
}

export function createRedisNames(prefix: string): RedisNames {
  return {
    session: (key) => `${prefix}session:{${key}}`,
    owner: (owner) => `${prefix}owner:{${owner}}`,
    key: (name) => `${prefix}key:${name}`,
    lease: (name) => `${prefix}lease:${name}`,
  };
}
