/** A copy with one item more, for what is kept: a spread with an item behind it reserves room for half as many again. */
export const appended = <Item>(items: readonly Item[], item: Item): Item[] => items.toSpliced(items.length, 0, item);
