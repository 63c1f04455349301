const BLOCKS = 20;

/** How much of a budget a replica takes at once: of a small one, or of the last of a large one, a single unit. */
export const blockOf = (budget: number): number => Math.max(1, Math.floor(budget / BLOCKS));
