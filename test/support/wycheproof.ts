import { readFileSync } from "node:fs";

/** A published vector; which members it has depends on its file. */
export interface Vector {
  readonly tcId: number;
  readonly result: "valid" | "invalid";
  readonly keySize: number;
  readonly ivSize?: number;
  readonly tagSize?: number;
  readonly size?: number;
  readonly bytes: (member: string) => Buffer;
}

export function readVectors(file: string): Vector[] {
  const path = new URL(`../fixtures/wycheproof/${file}.jsonl`, import.meta.url);
  return readFileSync(path, "utf8").trimEnd().split("\n").map(parseVector);
}

function parseVector(line: string): Vector {
  const vector = JSON.parse(line) as Record<string, unknown> & Omit<Vector, "bytes">;
  const bytes = (member: string): Buffer => {
    const hex = vector[member];
    if (typeof hex !== "string") throw new Error(`vector ${vector.tcId} has no ${member}`);
    return Buffer.from(hex, "hex");
  };
  return { ...vector, bytes };
}

interface Outcome {
  readonly run: number;
  /** Ids of vectors that did not behave as published. */
  readonly odd: readonly number[];
}

/** A vector behaves as published if a valid one gives its result, and an invalid one gives none or another. */
export function runVectors(vectors: readonly Vector[], isAccepted: (vector: Vector) => boolean): Outcome {
  const odd = vectors.filter((vector) => accepts(vector, isAccepted) !== (vector.result === "valid"));
  return { run: vectors.length, odd: odd.map(({ tcId }) => tcId) };
}

function accepts(vector: Vector, isAccepted: (vector: Vector) => boolean): boolean {
  try {
    return isAccepted(vector);
  } catch {
    return false;
  }
}
