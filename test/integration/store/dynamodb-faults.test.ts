import { describe, expect, it } from "vitest";

import { createDynamoTable } from "../../../src/store/dynamodb/create-dynamo-table.ts";
import { openDynamoBackend } from "../../../src/store/dynamodb/dynamo-backend.ts";
import type { Item } from "../../../src/store/dynamodb/dynamo-table.ts";
import { parseDynamoAddress } from "../../../src/store/dynamodb/parse-dynamo-address.ts";
import { everyCall } from "../../conformance/store-backend.suite.ts";
import { auditRowOf, auditRowsOf, chainName } from "../../support/audit-rows.ts";
import { broken, type DynamoCall, throttled, type Verdict } from "../../support/dynamo-proxy.ts";
import { dynamoAddress } from "../../support/dynamo-server.ts";
import { useDynamoWorld } from "../../support/dynamo-world.ts";
import { followUpOf, mustCommit, uniqueName } from "../../support/store-commits.ts";

const UNAVAILABLE = { name: "GatewayError", code: "store_unavailable" };
const bytes = Buffer.from("bytes");

const world = useDynamoWorld();

/** The first request of this kind meets this, every other passes. */
const decideOnce = (isMeant: (call: DynamoCall) => boolean, verdict: Verdict): void => {
  let isDone = false;
  world().proxy.decide((call) => {
    if (isDone || !isMeant(call)) return "pass";
    isDone = true;
    return verdict;
  });
};
const unfinished = { pk: { S: "any" }, sk: { B: "YW55" } };
const isPut = ({ operation }: DynamoCall): boolean => operation === "PutItem";

describe("a table that does not answer", () => {
  const rejectsAll = async (backend = world().backend): Promise<void> => {
    const outcomes = await Promise.allSettled(everyCall(backend, world().clock.now()).map((call) => call()));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
  };

  it.each([
    ["throttled", throttled],
    ["broken", broken],
    ["forbidden", { status: 400, type: "AccessDeniedException" }],
  ] as const)("that is %s rejects every call, and serves again afterwards", async (_, verdict) => {
    const commit = world().opening();
    await mustCommit(world().backend.sessions, commit);
    world().proxy.decide(() => verdict);
    await rejectsAll();
    world().proxy.decide(() => "pass");
    expect((await world().backend.sessions.load(commit.key))?.revision).toBe(commit.revision);
  });

  it("that hangs rejects every call in the time that a request may take", async () => {
    const impatient = await world().open(100);
    world().proxy.decide(() => "hang");
    await rejectsAll(impatient);
    world().proxy.decide(() => "pass");
    await impatient.ping();
  });

  it("that is throttled for a moment is asked once more, and nobody notices", async () => {
    decideOnce(isPut, throttled);
    const commit = world().opening();
    await mustCommit(world().backend.sessions, commit);
    decideOnce(({ operation }) => operation === "Query", throttled);
    expect((await world().backend.sessions.load(commit.key))?.turns).toEqual([commit.turn]);
  });

  it("that leaves a part of a batch undone is asked for the rest", async () => {
    const { sessions } = world().backend;
    const openings = [world().opening({ owner: "owner" }), world().opening({ owner: "owner" })];
    for (const opening of openings) await mustCommit(sessions, opening);
    const table = parseDynamoAddress(world().address).table;
    decideOnce(({ operation }) => operation === "BatchGetItem", {
      alter: ({ Responses }) => {
        const [first, second] = (Responses as Record<string, Item[]>)[table] ?? [];
        const Keys = [{ pk: second?.["pk"], sk: second?.["sk"] }];
        return { Responses: { [table]: [first] }, UnprocessedKeys: { [table]: { Keys, ConsistentRead: true } } };
      },
    });
    expect(await sessions.list("owner", { limit: 9, order: "asc" })).toHaveLength(2);
    decideOnce(({ operation }) => operation === "BatchWriteItem", {
      alter: () => ({ UnprocessedItems: { [table]: [{ DeleteRequest: { Key: unfinished } }] } }),
    });
    world().proxy.forget();
    await sessions.remove(openings[0]?.key ?? "");
    expect(world().proxy.calls).toEqual(["DeleteItem", "Query", "BatchWriteItem", "BatchWriteItem", "DeleteItem"]);
  });

  it("says no more of a failure than its name", async () => {
    world().proxy.decide(() => throttled);
    await expect(world().backend.records.read("name")).rejects.toThrow(
      /^the DynamoDB table cannot answer: ProvisionedThroughputExceededException$/,
    );
  });
});

describe("an answer that was lost", () => {
  it("does not hide from a replacement that it was made", async () => {
    const { records } = world().backend;
    await records.putIfAbsent("name", bytes);
    decideOnce(isPut, "lose");
    expect(await records.replace("name", { expected: bytes, bytes: Buffer.from("new") })).toBe(true);
    decideOnce(isPut, throttled);
    expect(await records.replace("name", { expected: bytes, bytes: Buffer.from("newer") })).toBe(false);
    expect((await records.read("name"))?.toString()).toBe("new");
  });

  it("does not make two turns of one, nor a conflict", async () => {
    const opening = world().opening();
    decideOnce(isPut, "lose");
    await mustCommit(world().backend.sessions, opening);
    const next = followUpOf(opening);
    decideOnce(isPut, "lose");
    await mustCommit(world().backend.sessions, next);
    expect((await world().backend.sessions.load(opening.key))?.turns).toEqual([opening.turn, next.turn]);
  });

  it("lets a budget shrink, never grow", async () => {
    const { quotas } = world().backend;
    const window = { startsAt: world().clock.now(), endsAt: world().clock.now() + 60_000, limit: 10 };
    decideOnce(({ operation }) => operation === "UpdateItem", "lose");
    const { granted } = await quotas.take("name", window, 4);
    const rest = await quotas.take("name", window, 10);
    expect([granted, rest]).toEqual([4, { granted: 2, used: 10 }]);
  });
});

describe("the table", () => {
  it("is made once, billed by request, with its items' end where the endpoint knows of one", async () => {
    const address = dynamoAddress(uniqueName("made"), world().proxy.url);
    const asked: DynamoCall[] = [];
    let isEnabled = false;
    world().proxy.decide((call) => {
      asked.push(call);
      if (call.operation === "UpdateTimeToLive") isEnabled = true;
      const TimeToLiveDescription = { TimeToLiveStatus: isEnabled ? "ENABLED" : "DISABLED" };
      return call.operation.endsWith("TimeToLive") ? { alter: () => ({ TimeToLiveDescription }), status: 200 } : "pass";
    });
    expect(await createDynamoTable({ address })).toEqual([
      expect.stringMatching(/^created table made-/),
      "enabled expiry by deleteAt",
    ]);
    expect(await createDynamoTable({ address })).toEqual([]);
    expect(asked.find(({ operation }) => operation === "CreateTable")?.body).toContain("PAY_PER_REQUEST");
    expect(asked.find(({ operation }) => operation === "UpdateTimeToLive")?.body).toContain('"deleteAt"');
  });

  it("that is missing is named when the store is opened, with what to do", async () => {
    const address = dynamoAddress("missing", world().proxy.url);
    const options = { address, clock: world().clock.now, log: world().recorded.log, requestTimeoutMs: 5_000 };
    await expect(openDynamoBackend(options)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: "the DynamoDB table missing does not exist: run `stategate store migrate`",
    });
  });

  it("without an end for its items is told of in the log", () => {
    expect(world().recorded.events).toEqual(["dynamodb_expiry_off"]);
  });
});

describe("records", () => {
  it("too large or too long for an item are the caller's mistake", async () => {
    const { records } = world().backend;
    await expect(records.putIfAbsent("name", Buffer.alloc(400_000))).rejects.toBeInstanceOf(TypeError);
    await expect(records.putIfAbsent("é".repeat(501), bytes)).rejects.toBeInstanceOf(TypeError);
    const longest = "é".repeat(500);
    await records.putIfAbsent(longest, bytes);
    expect(await records.list(longest, { limit: 9 })).toEqual([{ name: longest, bytes }]);
    expect(await records.list(`${longest}é`, { limit: 9 })).toEqual([]);
    expect(await records.list("é", { limit: 9, after: `${longest}é` })).toEqual([]);
    expect(await records.list("é", { limit: 9, after: `${"é".repeat(499)}a${"z".repeat(2_000)}` })).toHaveLength(1);
  });
});

describe("notices", () => {
  it("one whose place was passed before it came is read again, not missed", async () => {
    const { notices } = world().backend;
    const { cursor } = await notices.read(undefined);
    for (const notice of ["one", "two", "three"]) await notices.post(notice);
    decideOnce(({ operation }) => operation === "Query", {
      alter: (answer) => ({ ...answer, Items: answer.Items?.toSpliced(1, 1) }),
    });
    expect((await notices.read(cursor)).notices).toEqual(["one", "two", "three"]);
  });

  it("numbers go on when all that were posted have ended", async () => {
    const { notices } = world().backend;
    await notices.post("old");
    const { cursor } = await notices.read(undefined);
    world().clock.advance(11 * 60_000);
    await world().expire();
    expect((await notices.read(undefined)).cursor).toBe(cursor);
    await notices.post("new");
    expect((await notices.read(cursor)).notices).toEqual(["new"]);
  });
});

describe("the audit log", () => {
  const all = { from: 0, limit: 99 };
  const isMark = ({ body }: DynamoCall): boolean => body.includes("audit-batch#") && body.includes('"Item"');

  it("shows nothing of a batch that broke off, and all of it once it was repeated", async () => {
    const rows = auditRowsOf(chainName(), 3, world().clock.now());
    world().proxy.decide((call) => (isMark(call) ? broken : "pass"));
    await expect(world().backend.audit.append(rows)).rejects.toMatchObject(UNAVAILABLE);
    world().proxy.decide(() => "pass");
    const { audit } = await world().open();
    expect(await audit.read(rows[0]?.chain ?? "", all)).toEqual([]);
    expect(await audit.latest({ limit: 9 })).toEqual([]);
    expect(await audit.chains()).toEqual([]);
    const longer = [...rows, auditRowOf({ chain: rows[0]?.chain ?? "", sequence: 3, at: world().clock.now() })];
    await audit.append(longer);
    expect(await audit.read(rows[0]?.chain ?? "", all)).toEqual(longer);
    expect(await audit.chains()).toEqual([{ chain: rows[0]?.chain, length: 4 }]);
  });

  it("a batch that loses one place in a race takes back the others", async () => {
    const [chain, other] = [chainName(), chainName()];
    const rival = auditRowOf({ chain, at: world().clock.now() });
    const batch = [
      auditRowOf({ chain: other, at: world().clock.now() }),
      auditRowOf({ chain, at: world().clock.now() }),
    ];
    const { audit } = await world().open();
    let isThere = false;
    // The index is written when all places were found free, and before any row.
    world().proxy.decide(async ({ operation }): Promise<Verdict> => {
      if (operation !== "BatchWriteItem" || isThere) return "pass";
      isThere = true;
      await audit.append([rival]);
      return "pass";
    });
    await expect(world().backend.audit.append(batch)).rejects.toBeInstanceOf(TypeError);
    expect(await audit.read(chain, all)).toEqual([rival]);
    expect((await world().items(`audit#${other}`)).map(({ sk }) => sk)).toEqual([]);
  });
});
