import { expect, it } from "vitest";

import { useDynamoWorld } from "../../support/dynamo-world.ts";
import { startTestGateway } from "../../support/test-gateway.ts";
import { masterKeys } from "../../support/test-master-keys.ts";

const world = useDynamoWorld();

it("a gateway remembers in DynamoDB, in three requests a turn, and another one goes on", async () => {
  const env = { STATEGATE_STORE: world().address, ...masterKeys };
  const gateway = await startTestGateway({ env });
  const ask = async (content: string): Promise<void> => {
    const request = { model: "gpt-5", messages: [{ role: "user" as const, content }] };
    await gateway.client().chat.completions.create(request, { headers: { "x-session-id": "s" } });
  };
  await ask("My name is Ada, and I like long walks along the river in the evening.");
  await ask("What do I like?");
  await gateway.flush();
  // Notices are asked for once a second beside it, and the audit log is written.
  const ofSessions: string[] = [];
  world().proxy.decide(({ operation, body }) => {
    if (body.includes('"session#')) ofSessions.push(operation);
    return "pass";
  });
  await ask("And what is my name?");
  expect(ofSessions).toEqual(["Query", "PutItem", "PutItem"]);
  await gateway.restart();
  await ask("Are you sure?");
  const seen = gateway.upstream.log.at(-1)?.bytes.toString();
  for (const said of ["Ada", "What do I like?", "And what is my name?"]) expect(seen).toContain(said);
  await gateway.close();
});
