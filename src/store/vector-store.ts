/**
 * What remarks mean, as vectors, beside the sessions that hold the remarks. A vector is not sealed: whoever reads the
 * store can guess from it what a remark is about. It lives no longer than its session's row, whoever removes that.
 * Every method rejects with GatewayError `store_unavailable` when the backend cannot answer.
 */
export interface VectorStore {
  /** Keeps vectors by unit, as one atomic step. One that is there stays; nothing is kept of a session that is gone. */
  put(session: VectorSession, vectors: ReadonlyMap<string, Float32Array>): Promise<void>;

  /** Those of the units that have a vector. */
  present(session: VectorSession, units: readonly string[]): Promise<ReadonlySet<string>>;

  /** Units of live sessions, all of one owner, whose cosine with the vector is at least `minSimilarity`; nearest first. */
  nearest(query: NearestQuery): Promise<NearUnit[]>;
}

/** The vectors that a store is to hold. Those of another model are not seen. */
export interface VectorSpace {
  readonly model: string;
  readonly dimensions: number;
}

/** One life of a session. */
export interface VectorSession {
  readonly owner: string;
  readonly key: string;
  readonly incarnation: string;
}

export interface NearestQuery {
  readonly owner: string;
  readonly keys: readonly string[];
  readonly vector: Float32Array;
  readonly minSimilarity: number;
  readonly limit: number;
}

export interface NearUnit {
  readonly key: string;
  readonly unit: string;
  readonly similarity: number;
}
