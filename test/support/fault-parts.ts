import type { createRedactor } from "../../src/redaction/create-redactor.ts";
import type { createSealer } from "../../src/sealing/create-sealer.ts";
import type { SessionSealer } from "../../src/sealing/sealer.ts";
import type { openStore } from "../../src/store/open-store.ts";
import type { openTelemetry } from "../../src/telemetry/sdk.ts";
import type { loadVocabulary } from "../../src/tokens/load-vocabulary.ts";
import { noFaults, withFaults } from "./fault-store.ts";

/** Which parts of the gateways of this test file fail from now on. */
export const faults = { store: noFaults(), redact: false, seal: false, vocabulary: false, telemetry: false };

export function mendAll(): void {
  Object.assign(faults.store, noFaults());
  Object.assign(faults, { redact: false, seal: false, vocabulary: false, telemetry: false });
}

const breakIf = (isBroken: boolean): void => {
  if (isBroken) throw new Error("broken by a test");
};

export const breakableStore =
  (open: typeof openStore): typeof openStore =>
  async (address, options) =>
    withFaults(await open(address, options), faults.store);

export const breakableRedactor =
  (create: typeof createRedactor): typeof createRedactor =>
  (settings) => {
    const redactor = create(settings);
    return {
      async redact(messages, name) {
        breakIf(faults.redact);
        return redactor.redact(messages, name);
      },
      async redactValues(values, name) {
        breakIf(faults.redact);
        return redactor.redactValues(values, name);
      },
      countPlaceholders: (text) => redactor.countPlaceholders(text),
    };
  };

export const breakableSealer =
  (create: typeof createSealer): typeof createSealer =>
  (options) => {
    const whole = create(options);
    const breakable = (sealer: SessionSealer): SessionSealer => ({
      open: (kind, id, sealed) => sealer.open(kind, id, sealed),
      seal(kind, id, plaintext) {
        breakIf(faults.seal);
        return sealer.seal(kind, id, plaintext);
      },
    });
    return {
      ...whole,
      forSession: async (identity) => breakable(await whole.forSession(identity)),
      forNewSession: async (identity) => breakable(await whole.forNewSession(identity)),
    };
  };

export const breakableVocabulary =
  (load: typeof loadVocabulary): typeof loadVocabulary =>
  async (name, options) => {
    breakIf(faults.vocabulary);
    return load(name, options);
  };

export const breakableTelemetry =
  (open: typeof openTelemetry): typeof openTelemetry =>
  async (options) => {
    const telemetry = await open(options);
    const { meter, histograms } = telemetry;
    return { ...telemetry, meter: breakableMeasures(meter), histograms: breakableMeasures(histograms) };
  };

/** Every instrument, bound ones too, throws on every measurement while telemetry is broken. */
function breakableMeasures<Made extends object>(maker: Made): Made {
  return new Proxy(maker, { get: (target, name) => breakable(Reflect.get(target, name), target) });
}

function breakable(member: unknown, owner: object): unknown {
  if (typeof member !== "function") return member;
  return (...given: unknown[]): unknown => {
    const made: unknown = Reflect.apply(member, owner, given);
    if (typeof made !== "object" || made === null) return made;
    return new Proxy(made, {
      get(instrument, name) {
        breakIf(faults.telemetry && (name === "add" || name === "record"));
        return breakable(Reflect.get(instrument, name), instrument);
      },
    });
  };
}
