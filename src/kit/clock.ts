/** Milliseconds since the Unix epoch. Handed in, so that tests wind it by hand. */
export type Clock = () => number;
