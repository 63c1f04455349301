import { describe, expect, it } from "vitest";

import { parsePostgresAddress } from "../../../src/store/postgres/postgres-address.ts";

describe("the address of a PostgreSQL store", () => {
  it.each([
    ["postgres://u@h/d", 10, "postgres://u@h/d"],
    ["postgresql://u:p%40ss@h:6432/d?max=3", 3, "postgresql://u:p%40ss@h:6432/d"],
    ["postgres://h/d?sslmode=verify-full&max=200", 200, "postgres://h/d?sslmode=verify-full"],
    ["postgres://h/d?sslmode=disable", 10, "postgres://h/d?sslmode=disable"],
    ["postgres://h/d?sslmode=no-verify", 10, "postgres://h/d?sslmode=no-verify"],
  ])("%s allows %i connections", (address, max, connectionString) => {
    expect(parsePostgresAddress(address)).toEqual({ connectionString, max, application_name: "stategate" });
  });

  it.each(["prefer", "require", "verify-ca"])("sslmode=%s checks the server's certificate and name", (mode) => {
    const { connectionString } = parsePostgresAddress(`postgres://h/d?sslmode=${mode}`);
    expect(connectionString).toBe("postgres://h/d?sslmode=verify-full");
  });

  it.each(["postgres:hunter2", "postgres://u:hunter2@[", "mysql://u:hunter2@h", "postgres://u:hunter2@h/d?max=many"])(
    "%s is refused without repeating the password",
    (address) => {
      expect(() => parsePostgresAddress(address)).toThrow(TypeError);
      expect(() => parsePostgresAddress(address)).not.toThrow(/hunter2/);
    },
  );
});
