import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

import { migratePostgres, preparePostgres } from "../../../src/store/postgres/migrate-postgres.ts";
import { type Migration, migrations } from "../../../src/store/postgres/migrations.ts";
import { openPostgresBackend } from "../../../src/store/postgres/postgres-backend.ts";
import {
  describeWithPostgres,
  type PostgresServer,
  queryOnce,
  startPostgresServer,
} from "../../support/postgres-server.ts";
import { type CommandOutcome, runOperatorCommand } from "../../support/run-operator-command.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

const later: Migration = { name: "2 later", sql: "CREATE TABLE stategate.later (id int)" };
const parts = { clock: Date.now, log: createRecordedLog().log, commandTimeoutMs: 5_000 };

describeWithPostgres("the schema of a PostgreSQL store", () => {
  let server: PostgresServer;
  let folder: TempFolder;
  let address: string;
  beforeAll(async () => {
    server = await startPostgresServer();
    folder = await createTempFolder();
  });
  afterAll(async () => {
    await folder.remove();
    await server.stop();
  });
  beforeEach(async () => {
    address = await server.createDatabase();
  });
  const migrate = (...args: string[]): Promise<CommandOutcome> =>
    runOperatorCommand(["store", "migrate", ...args], { folder: folder.path, env: { STATEGATE_STORE: "memory:" } });
  const applied = async (): Promise<unknown[]> =>
    (await queryOnce(address, "SELECT name FROM stategate.migrations ORDER BY number")).map((row) => row["name"]);

  it("is made in an empty database by the first gateway that opens it, once, however many start together", async () => {
    const backends = await Promise.all(Array.from({ length: 6 }, () => openPostgresBackend({ address, ...parts })));
    await Promise.all(backends.map((backend) => backend.ping()));
    await Promise.all(backends.map((backend) => backend.close()));
    expect(await applied()).toEqual(migrations.map(({ name }) => name));
  });

  it("leaves what another program keeps in the database alone", async () => {
    await queryOnce(address, "CREATE TABLE public.sessions (own int); INSERT INTO public.sessions VALUES (7)");
    await (await openPostgresBackend({ address, ...parts })).close();
    expect(await queryOnce(address, "SELECT own FROM public.sessions")).toEqual([{ own: 7 }]);
  });

  it("that is older is refused with the command that mends it, and is as it was", async () => {
    await preparePostgres(address);
    await expect(preparePostgres(address, [...migrations, later])).rejects.toMatchObject({
      code: "store_unavailable",
      message: `the database has schema ${migrations.length}, this release needs ${migrations.length + 1}: run \`stategate store migrate\``,
    });
    expect(await applied()).toEqual(migrations.map(({ name }) => name));
    expect(await migratePostgres(address, [...migrations, later])).toEqual(["2 later"]);
    await preparePostgres(address, [...migrations, later]);
  });

  it("that is newer is refused by the gateway and by the command", async () => {
    await migratePostgres(address, [...migrations, later]);
    const refusal = { code: "store_unavailable", message: expect.stringContaining("newer than this release") };
    await expect(openPostgresBackend({ address, ...parts })).rejects.toMatchObject(refusal);
    await expect(migratePostgres(address)).rejects.toMatchObject(refusal);
  });

  it("is migrated whole or not at all", async () => {
    await preparePostgres(address);
    const broken: Migration = { name: "3 broken", sql: "CREATE TABLE stategate.half (id int); SELECT 1 / 0" };
    await expect(migratePostgres(address, [...migrations, later, broken])).rejects.toMatchObject({
      code: "store_unavailable",
    });
    expect(await applied()).toEqual(migrations.map(({ name }) => name));
    await expect(queryOnce(address, "SELECT * FROM stategate.later")).rejects.toThrow(/does not exist/);
  });

  it("is migrated once by several commands at once", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, () => migratePostgres(address, [...migrations, later])),
    );
    expect(outcomes.filter((done) => done.length > 0)).toHaveLength(1);
  });

  it("is made and brought up by `stategate store migrate ADDRESS`, which says what it did", async () => {
    expect(await migrate(address)).toEqual({ code: 0, stdout: "done: 1 first tables\n", stderr: "" });
    const again = await migrate(address);
    expect(again).toEqual({ code: 0, stdout: "nothing to do: the store is as this release needs it\n", stderr: "" });
  });

  it("of stores that have none is nothing to do", async () => {
    expect(await migrate()).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing to do") });
  });

  it("of what is no store, or more than one, is refused without repeating a password", async () => {
    for (const args of [["mysql://u:hunter2@h"], ["postgres:hunter2"], [address, address]]) {
      const { code, stderr } = await migrate(...args);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^stategate store migrate: /);
      expect(stderr).not.toContain("hunter2");
    }
  });

  it("may belong to an operator: a gateway without rights to it says what to run, and works with rights to its rows", async () => {
    await queryOnce(address, "CREATE ROLE gateway LOGIN");
    const ofGateway = address.replace("stategate@", "gateway@");
    await expect(openPostgresBackend({ address: ofGateway, ...parts })).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining("permission denied"),
    });
    await migratePostgres(address);
    await queryOnce(
      address,
      `GRANT USAGE ON SCHEMA stategate TO gateway;
       GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA stategate TO gateway`,
    );
    const backend = await openPostgresBackend({ address: ofGateway, ...parts });
    expect((await backend.records.putIfAbsent("name", Buffer.from("bytes"))).toString()).toBe("bytes");
    await backend.notices.post("notice");
    await backend.close();
  });
});
