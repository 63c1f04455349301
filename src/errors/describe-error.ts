import { GatewayError } from "./gateway-error.ts";

const MAX_FRAMES = 3;

/** For logs: our own messages, of others only the name and the place. A third party's message may quote what it was given. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const text = error instanceof GatewayError ? `${error.code}: ${error.message}` : `${error.name}${placeOf(error)}`;
  return error.cause === undefined ? text : `${text} (cause: ${describeError(error.cause)})`;
}

function placeOf({ stack }: Error): string {
  const frames = stack?.split("\n").filter((line) => line.startsWith("    at ")) ?? [];
  const place = frames.slice(0, MAX_FRAMES).map((line) => line.trim().slice(3));
  return place.length > 0 ? ` at ${place.join(" < ")}` : "";
}
