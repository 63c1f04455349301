export interface DynamoAddress {
  readonly region: string;
  readonly table: string;
  /** Another place than AWS: DynamoDB Local, a VPC endpoint. */
  readonly endpoint?: string;
}

const SHAPE = "store dynamodb: needs a region and a table, as in dynamodb://eu-central-1/stategate";

/** @throws TypeError that repeats nothing of the address */
export function parseDynamoAddress(address: string): DynamoAddress {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const table = url?.pathname.slice(1) ?? "";
  if (url?.protocol !== "dynamodb:" || !/^[a-z0-9-]+$/.test(url.host) || !/^[\w.-]{3,255}$/.test(table)) {
    throw new TypeError(SHAPE);
  }
  const endpoint = url.searchParams.get("endpoint") ?? undefined;
  if ([...url.searchParams.keys()].some((name) => name !== "endpoint") || url.username !== "" || url.hash !== "") {
    throw new TypeError("store dynamodb: takes nothing but ?endpoint=URL; credentials come from where AWS keeps them");
  }
  if (endpoint === undefined) return { region: url.host, table };
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new TypeError("store dynamodb: endpoint is an http:// or https:// URL");
  }
  return { region: url.host, table, endpoint };
}
