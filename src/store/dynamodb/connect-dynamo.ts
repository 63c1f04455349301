import { DynamoDB } from "@aws-sdk/client-dynamodb";

import { isLoopback } from "../../kit/loopback.ts";
import type { DynamoAddress } from "./parse-dynamo-address.ts";

/** DynamoDB Local asks for a signature and believes any; looking for real credentials would only lose time. */
const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };
const MAX_SOCKETS = 256;

/** No request is made before the first command. Credentials come from where AWS keeps them, but for a local endpoint. */
export function connectDynamo({ region, endpoint }: DynamoAddress, requestTimeoutMs: number): DynamoDB {
  const isLocal = endpoint !== undefined && isLoopback(new URL(endpoint).hostname);
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return new DynamoDB({
    region,
    ...(endpoint !== undefined && { endpoint }),
    ...(isLocal && { credentials: LOCAL_CREDENTIALS }),
    // One more try hides a throttled moment and a connection that was closed while idle; more would outlast our caller.
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}
