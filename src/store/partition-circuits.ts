import { type Circuit, type CircuitOptions, type CircuitPass, createCircuit } from "./circuit.ts";
import type { StoreBackend, StoreSubject } from "./store-backend.ts";

type Calls = CircuitOptions["through"]["calls"];

export interface PartitionCircuits {
  /** One pass for everything that the call is about; `undefined` while the circuit of any part of it is open. */
  enter(calls: Calls, subjects: readonly StoreSubject[]): CircuitPass | undefined;
}

/**
 * Two circuits, reads and writes, for each partition of a store, so that one which is away takes no other along. What
 * fails on its way through several counts for none: nobody knows which it was. What goes anywhere at all passes.
 */
export function createPartitionCircuits(
  partitionOf: StoreBackend["partitionOf"],
  options: Omit<CircuitOptions, "through">,
): PartitionCircuits {
  if (!partitionOf) return createWholeCircuits(options);
  const circuits = new Map<string, Circuit>();
  const circuitOf = (calls: Calls, partition: string): Circuit => {
    const name = `${calls} ${partition}`;
    const circuit = circuits.get(name) ?? createCircuit({ through: { calls, partition }, ...options });
    circuits.set(name, circuit);
    return circuit;
  };
  return {
    enter(calls, subjects) {
      const partitions = [...new Set(subjects.map(partitionOf))];
      const passed = partitions.flatMap((name) => (name === undefined ? [] : [circuitOf(calls, name)]));
      if (!passed.every((circuit) => circuit.isPassable())) return undefined;
      const passes = passed.map((circuit) => circuit.enter());
      const [only] = passes;
      return partitions.length === 1 && only ? only : throughAll(passes);
    },
  };
}

/** Every call of a turn comes through here: no more is done than to look. */
function createWholeCircuits(options: Omit<CircuitOptions, "through">): PartitionCircuits {
  const circuits = {
    reads: createCircuit({ through: { calls: "reads" }, ...options }),
    writes: createCircuit({ through: { calls: "writes" }, ...options }),
  };
  return { enter: (calls) => (circuits[calls].isPassable() ? circuits[calls].enter() : undefined) };
}

function throughAll(passes: readonly CircuitPass[]): CircuitPass {
  const failedSomewhere = (): void => passes.forEach((pass) => pass.failedSomewhere());
  return {
    succeeded: () => passes.forEach((pass) => pass.succeeded()),
    failed: failedSomewhere,
    failedSomewhere,
  };
}
