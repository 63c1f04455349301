/** Master keys that are wrong, damaged or missing: the gateway does not start, says which key it misses, and changes nothing. */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ConfigError } from "../../src/config/config-error.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { GatewayError } from "../../src/errors/gateway-error.ts";
import { openVault } from "../../src/vault.ts";
import { runStategate } from "../support/command-process.ts";
import { createRecordedLog } from "../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { flipByte, openTamperedDatabase } from "../support/tampered-database.ts";

type Environment = Readonly<Record<string, string>>;

const ID = "2026-11";
const right = randomBytes(32);
const entry = (id: string, key: Buffer): string => `${id}:${key.toString("base64")}`;
const keys = (...entries: string[]): Environment => ({ STATEGATE_MASTER_KEYS: entries.join(",") });
const keyFile = (path: string): Environment => ({ STATEGATE_KEYS__MASTER_KEY_FILE: path });

let folder: TempFolder;
const at = (name: string): string => join(folder.path, name);
const store = (name = "stategate.db"): Environment => ({
  STATEGATE_STORE: `sqlite:${at(name)}`,
  STATEGATE_KEYS__DEVELOPMENT_KEY_FILE: at("development.key"),
});

async function openOnce(env: Environment): Promise<void> {
  const config = loadConfig({ env: { ...store(), ...env }, cwd: folder.path });
  const vault = await openVault(config, { log: createRecordedLog().log, clock: Date.now });
  await vault.close();
}

/** What the operator reads. Anything but a refusal in words fails the test. */
async function refusal(env: Environment): Promise<string> {
  const error: unknown = await openOnce(env).then(
    () => new Error("it started"),
    (reason: unknown) => reason,
  );
  if (error instanceof ConfigError || (error instanceof GatewayError && error.code === "record_unreadable")) {
    return error.message;
  }
  throw error;
}

const rootSecretOf = (name: string): Uint8Array => {
  const database = openTamperedDatabase(at(name));
  try {
    return database.record("root-secret");
  } finally {
    database.close();
  }
};

function damageRootSecret(name: string, bytes: Uint8Array): void {
  const database = openTamperedDatabase(at(name));
  database.overwriteRecords("root-secret", bytes);
  database.close();
}

const write = async (name: string, text: string, mode = 0o600): Promise<string> => {
  await writeFile(at(name), text, { mode });
  return at(name);
};
const flippedRight = (): Buffer => Buffer.from(flipByte(right, 7));

interface WrongConfiguration {
  readonly what: string;
  readonly says: string;
  readonly env: () => Environment | Promise<Environment>;
}

const missesTheKey: readonly WrongConfiguration[] = [
  { what: "no key, where the store has one", env: () => ({}) },
  { what: "another key", env: () => keys(entry("other", randomBytes(32))) },
  {
    what: "several keys, none of them the store's",
    env: () => keys(entry("a", randomBytes(32)), entry("b", randomBytes(32))),
  },
  { what: "the right key under another id", env: () => keys(entry("2026-12", right)) },
  { what: "another key under the right id", env: () => keys(entry(ID, randomBytes(32))) },
  { what: "the right key with one bit flipped", env: () => keys(entry(ID, flippedRight())) },
  {
    what: "a new key, before the old one was rotated away",
    env: () => keys(entry("new", randomBytes(32)), entry(ID, flippedRight())),
  },
  { what: "a file with another key", env: async () => keyFile(await write("a", entry("other", right))) },
  {
    what: "a file with another key under the right id",
    env: async () => keyFile(await write("b", entry(ID, randomBytes(32)))),
  },
  {
    what: "a file in which the right key is commented out",
    env: async () => keyFile(await write("c", `${entry("x", right)}\n# ${entry(ID, right)}`)),
  },
].map((one) => ({ ...one, says: `"${ID}"` }));

const otherMistakes: readonly WrongConfiguration[] = [
  { what: "a key of 31 bytes", says: "keys.masterKeys", env: () => keys(entry(ID, right.subarray(1))) },
  {
    what: "a key of 33 bytes",
    says: "keys.masterKeys",
    env: () => keys(entry(ID, Buffer.concat([right, Buffer.of(1)]))),
  },
  { what: "a key that is not base64", says: "keys.masterKeys", env: () => keys(`${ID}:${"!".repeat(44)}`) },
  { what: "a key without an id", says: "keys.masterKeys", env: () => keys(right.toString("base64")) },
  {
    what: "keys and a key file",
    says: "keys.masterKeyFile",
    env: () => ({ ...keys(entry(ID, right)), ...keyFile(at("d")) }),
  },
  { what: "none in production", says: "keys.masterKeys", env: () => ({ STATEGATE_PRODUCTION: "true" }) },
  { what: "none for a shared store", says: "keys.masterKeys", env: () => ({ STATEGATE_STORE: "redis://127.0.0.1:1" }) },
  { what: "a key file that is not there", says: "gone", env: () => keyFile(at("gone")) },
  { what: "an empty key file", says: "damaged", env: async () => keyFile(await write("e", "\n# nothing\n")) },
  {
    what: "a key file that others may read",
    says: "chmod 600",
    env: async () => {
      await chmod(await write("f", entry(ID, right)), 0o644);
      return keyFile(at("f"));
    },
  },
  {
    what: "a folder for a key file",
    says: "EISDIR",
    env: async () => {
      await mkdir(at("g"), { mode: 0o700 });
      return keyFile(at("g"));
    },
  },
];

describe("a gateway does not start with", () => {
  let before: Uint8Array;
  let tried = 0;
  beforeAll(async () => {
    folder = await createTempFolder();
    await openOnce(keys(entry(ID, right)));
    before = rootSecretOf("stategate.db");
  });
  afterAll(async () => {
    process.stdout.write(`wrong or missing keys: ${tried} configurations, 0 started\n`);
    await folder.remove();
  });

  it.each([...missesTheKey, ...otherMistakes])("$what", async ({ env, says }) => {
    const given = await env();
    const message = await refusal(given);
    expect(message).toContain(says);
    expect(message).not.toContain(right.toString("base64").slice(0, 12));
    expect(rootSecretOf("stategate.db")).toEqual(before);
    tried += 1;
    await openOnce(keys(entry(ID, right)));
  });

  it("the root secret of another store, or a damaged one", async () => {
    await openOnce({ ...store("other.db"), ...keys(entry("other", randomBytes(32))) });
    damageRootSecret("stategate.db", rootSecretOf("other.db"));
    expect(await refusal(keys(entry(ID, right)))).toContain('"other"');
    damageRootSecret("stategate.db", flipByte(before, -1));
    expect(await refusal(keys(entry(ID, right)))).toContain(`"${ID}"`);
    damageRootSecret("stategate.db", before);
    await openOnce(keys(entry(ID, right)));
    tried += 2;
  });

  it("a development key that was lost", async () => {
    const env = { ...store("development.db"), STATEGATE_KEYS__DEVELOPMENT_KEY_FILE: at("first.key") };
    await openOnce(env);
    const lost = { ...env, STATEGATE_KEYS__DEVELOPMENT_KEY_FILE: at("second.key") };
    expect(await refusal(lost)).toMatch(/"development-[0-9a-f]{16}"/);
    tried += 1;
  });

  it("as a process: it ends with 1, and names the key on standard error", async () => {
    const env = { ...store(), ...keys(entry("other", randomBytes(32))), STATEGATE_PORT: "0" };
    const { code, stderr } = await runStategate(["start"], env);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`"${ID}"`) });
    expect(stderr).toContain("cannot start");
  });
});
