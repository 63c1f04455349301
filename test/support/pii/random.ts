/** Chances that fall the same way on every run. */
export interface Random {
  below(limit: number): number;
  pick<Item>(items: readonly Item[]): Item;
  digits(length: number): string;
  /** `#` becomes a digit, `%` one from 2 to 9; everything else stays. */
  fill(pattern: string): string;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    below,
    pick<Item>(items: readonly Item[]): Item {
      const item = items[below(items.length)];
      if (item === undefined) throw new TypeError("nothing to pick from");
      return item;
    },
    digits: (length) => Array.from({ length }, () => below(10)).join(""),
    fill: (pattern) => pattern.replaceAll(/[#%]/g, (mark) => String(mark === "#" ? below(10) : 2 + below(8))),
  };
}
