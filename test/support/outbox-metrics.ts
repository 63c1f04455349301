import { expect, vi } from "vitest";

import { send } from "./fault-client.ts";

interface Measured {
  readonly origin: string;
}

/** How many turns wait in the gateway's outbox. */
export async function waitingTurns({ origin }: Measured): Promise<number> {
  const { body } = await send(`${origin}/metrics`, {});
  return Number(/^stategate_outbox_depth(?:\{[^}]*\})? (\d+)/m.exec(body)?.[1]);
}

/** @param wind called before each look, where a clock by hand must run for the store to be asked again */
export async function waitUntilDelivered(gateway: Measured, wind: () => void = () => undefined): Promise<void> {
  await vi.waitFor(
    async () => {
      wind();
      expect(await waitingTurns(gateway)).toBe(0);
    },
    { timeout: 30_000, interval: 50 },
  );
}

/** What became of turns that waited, by outcome. */
export async function deliveries({ origin }: Measured): Promise<Record<string, number>> {
  const { body } = await send(`${origin}/metrics`, {});
  const lines = body.matchAll(/^stategate_outbox_delivered_total\{[^}]*stategate_outcome="(\w+)"[^}]*\} (\d+)/gm);
  return Object.fromEntries([...lines].map(([, outcome, count]) => [outcome ?? "", Number(count)]));
}
