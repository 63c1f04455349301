import type { GatewayError } from "../../errors/gateway-error.ts";
import { storeUnavailable } from "../store-unavailable.ts";

/** Rejections of the SDK become the one error kind of a store. Only their name is told: messages may quote values. */
export function dynamoUnavailable(cause: unknown): GatewayError {
  const reason = cause instanceof Error ? cause.name : typeof cause;
  return storeUnavailable(`the DynamoDB table cannot answer: ${reason}`, cause);
}

export async function translated<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    throw dynamoUnavailable(cause);
  }
}
