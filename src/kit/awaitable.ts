/** A value at hand, or one to wait for. Waiting for what is at hand costs a turn of the event loop's queue and its garbage. */
export type Awaitable<Value> = Value | Promise<Value>;

/** Goes on with a value: at once where it is at hand. Throws where `goOn` throws at once, and rejects where it comes later. */
export const andThen = <Value, Result>(
  value: Awaitable<Value>,
  goOn: (value: Value) => Awaitable<Result>,
): Awaitable<Result> => (value instanceof Promise ? value.then(goOn) : goOn(value));

/** What work gives, or what is made of its failure, however it fails. */
export function recover<Value>(
  work: () => Awaitable<Value>,
  fromFailure: (error: unknown) => Awaitable<Value>,
): Awaitable<Value> {
  try {
    const value = work();
    return value instanceof Promise ? value.catch(fromFailure) : value;
  } catch (error) {
    return fromFailure(error);
  }
}
