import type { ModelPrice, PriceList } from "./price-list.ts";

const million = 1_000_000;

/** `-2024-08-06`, `-20250929`, `@20250929`, `-0613` and `-latest` name a snapshot; `-mini` names another model. */
const snapshotSuffix = /[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|latest)$/;

/**
 * The price list of a document like `config/prices.json`, whose prices are USD per million tokens. A snapshot with a
 * price of its own has that one, any other its family's.
 *
 * @throws TypeError naming the first entry that is wrong
 */
export function createPriceList(document: unknown): PriceList {
  const { models } = record(document, "prices");
  const prices = new Map(
    Object.entries(record(models, "prices.models")).map(([model, entry]) => [model, parsePrice(model, entry)]),
  );
  return { priceOf: (model) => prices.get(model) ?? prices.get(model.replace(snapshotSuffix, "")) };
}

function parsePrice(model: string, value: unknown): ModelPrice {
  const at = `prices.models["${model}"]`;
  const { input, cachedInput = input, cacheWrite = input, output, contextWindow, ...unknown } = record(value, at);
  const [stray] = Object.keys(unknown);
  if (stray !== undefined) throw new TypeError(`${at}.${stray} is not known`);
  const price = (amount: unknown, field: string): number => positive(amount, `${at}.${field}`) / million;
  return Object.freeze({
    input: price(input, "input"),
    cachedInput: price(cachedInput, "cachedInput"),
    cacheWrite: price(cacheWrite, "cacheWrite"),
    output: price(output, "output"),
    contextWindow: positive(contextWindow, `${at}.contextWindow`),
  });
}

function record(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`${at} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}

function positive(value: unknown, at: string): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0)
    throw new TypeError(`${at} is not a number ≥ 0`);
  return value;
}
