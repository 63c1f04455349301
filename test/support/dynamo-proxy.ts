import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";

/**
 * What becomes of a request. `alter` changes the answer (and with `status` also that of the server), `lose` answers 500
 * to what was carried out all the same.
 */
export type Verdict =
  | "pass"
  | "hang"
  | "lose"
  | { readonly status: number; readonly type: string }
  | { readonly alter: (answer: Answer) => unknown; readonly status?: number };

type Answer = { Items?: Record<string, { S?: string; N?: string; B?: string }>[] } & Record<string, unknown>;

export interface DynamoCall {
  /** `Query`, `PutItem`, … */
  readonly operation: string;
  readonly body: string;
}

/** Stands in front of a DynamoDB server, counts what is asked and decides what becomes of it. */
export interface DynamoProxy {
  readonly url: string;
  /** Operations since `forget`, in the order of their coming. */
  readonly calls: string[];
  forget(): void;
  /** May take its time: the request waits. */
  decide(verdict: (call: DynamoCall) => Verdict | Promise<Verdict>): void;
  stop(): Promise<void>;
}

export const throttled: Verdict = { status: 400, type: "ProvisionedThroughputExceededException" };
export const broken: Verdict = { status: 500, type: "InternalServerError" };

export async function startDynamoProxy(target: string): Promise<DynamoProxy> {
  const calls: string[] = [];
  let verdictOf: (call: DynamoCall) => Verdict | Promise<Verdict> = () => "pass";

  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await request.toArray()).toString();
      const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
      calls.push(operation);
      const verdict = await verdictOf({ operation, body });
      if (verdict === "hang") return;
      if (typeof verdict === "object" && "type" in verdict) return refuse(response, verdict);
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(([name]) => !["host", "connection", "content-length"].includes(name)),
      ) as Record<string, string>;
      const answer = await fetch(target, { method: "POST", headers, body });
      const text = await answer.text();
      if (verdict === "lose") return refuse(response, { status: 500, type: "InternalServerError" });
      const altered = verdict === "pass" ? text : JSON.stringify(verdict.alter(JSON.parse(text) as Answer));
      const status = (typeof verdict === "object" && verdict.status) || answer.status;
      response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(altered);
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    forget: () => void calls.splice(0),
    decide: (verdict) => {
      verdictOf = verdict;
    },
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function refuse(response: ServerResponse, { status, type }: { status: number; type: string }): void {
  const body = JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: type });
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(body);
}
