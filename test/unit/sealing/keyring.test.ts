import { createDecipheriv, createCipheriv, generateKeyPairSync, hash, randomBytes } from "node:crypto";
import { inspect } from "node:util";

import { describe, expect, it } from "vitest";

import { createLocalKeyring } from "../../../src/sealing/local-keyring.ts";
import { parseMasterKeys } from "../../../src/sealing/master-keys.ts";
import { flipBit, keyringOf, randomKey, refused, unreadable } from "./sealing-fixtures.ts";

describe("a keyring", () => {
  it("gives back the key that was wrapped", async () => {
    const keyring = keyringOf("2026-a");
    const key = randomKey();
    expect((await keyring.unwrap("root", await keyring.wrap("root", key))).equals(key)).toBe(true);
  });

  it("wraps with the first key and opens what any of its keys wrapped", async () => {
    const old = { id: "old", key: randomKey() };
    const fresh = { id: "fresh", key: randomKey() };
    const key = randomKey();
    const wrappedBefore = await createLocalKeyring([old]).wrap("root", key);
    const rotated = createLocalKeyring([fresh, old]);
    expect(rotated).toMatchObject({ primaryId: "fresh", ids: ["fresh", "old"] });
    expect((await rotated.unwrap("root", wrappedBefore)).equals(key)).toBe(true);
    const wrappedAfter = await rotated.wrap("root", key);
    expect([wrappedBefore, wrappedAfter].map(rotated.idOf)).toEqual(["old", "fresh"]);
    expect((await createLocalKeyring([fresh]).unwrap("root", wrappedAfter)).equals(key)).toBe(true);
    expect(await refused(createLocalKeyring([old]).unwrap("root", wrappedAfter))).toContain('"fresh"');
  });

  it("names a missing master key by its id and shows no key", async () => {
    const gone = { id: "2024.primary", key: randomKey() };
    const wrapped = await createLocalKeyring([gone]).wrap("root", randomKey());
    const message = await refused(keyringOf("2026").unwrap("root", wrapped));
    expect(message).toContain('"2024.primary"');
    expect(message).not.toContain(gone.key.export().toString("base64"));
  });

  it("refuses another key under the right id, which a missing id cannot explain", async () => {
    const wrapped = await keyringOf("main").wrap("root", randomKey());
    expect(await refused(keyringOf("main").unwrap("root", wrapped))).toContain('"main"');
  });

  it("refuses a key that was moved to another name", async () => {
    const keyring = keyringOf("main");
    const wrapped = await keyring.wrap("data-key:ada", randomKey());
    await refused(keyring.unwrap("data-key:bob", wrapped));
  });

  it("refuses a wrapped key with any bit flipped, any part cut off or anything added", async () => {
    const keyring = keyringOf("main");
    const wrapped = await keyring.wrap("root", randomKey());
    for (let bit = 0; bit < wrapped.length * 8; bit += 1) await refused(keyring.unwrap("root", flipBit(wrapped, bit)));
    for (let length = 0; length < wrapped.length; length += 1) {
      await refused(keyring.unwrap("root", wrapped.subarray(0, length)));
    }
    await refused(keyring.unwrap("root", Buffer.concat([wrapped, Buffer.alloc(8)])));
  });

  it("says nothing of what stands where a key id should, unless it is one", async () => {
    const keyring = keyringOf("main");
    const planted = Buffer.concat([Buffer.of(1, 12), Buffer.from("x\n{admin:on}"), randomBytes(72)]);
    expect(await refused(keyring.unwrap("root", planted))).not.toContain("admin");
    expect(unreadable(() => keyring.idOf(planted))).not.toContain("admin");
  });

  it("writes the documented bytes: version, key id, then KWP of the key and the hash of its name", async () => {
    const master = randomKey();
    const key = randomKey();
    const wrapped = await createLocalKeyring([{ id: "main", key: master }]).wrap("root", key);
    expect(wrapped.subarray(0, 6)).toEqual(Buffer.from([1, 4, ...Buffer.from("main")]));
    const decipher = createDecipheriv("id-aes256-wrap-pad", master, Buffer.from("a65959a6", "hex"));
    const plaintext = Buffer.concat([decipher.update(wrapped.subarray(6)), decipher.final()]);
    expect(plaintext).toEqual(Buffer.concat([key.export(), hash("sha256", "root", "buffer")]));
  });

  it("is not built without keys, with one id twice, with odd ids or with keys of another length", () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    expect(() => createLocalKeyring([])).toThrow(TypeError);
    expect(() => keyringOf("a", "a")).toThrow(TypeError);
    expect(() => keyringOf("")).toThrow(TypeError);
    expect(() => keyringOf("a:b")).toThrow(TypeError);
    expect(() => createLocalKeyring([{ id: "a", key: publicKey }])).toThrow(TypeError);
  });
});

describe("AES key wrap with padding in this build of OpenSSL", () => {
  // RFC 5649 §6.
  const key = Buffer.from("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "hex");
  const initialValue = Buffer.from("a65959a6", "hex");

  it.each([
    [
      "20 bytes",
      "c37b7e6492584340bed12207808941155068f738",
      "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
    ],
    ["7 bytes", "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"],
  ])("wraps and unwraps the RFC's %s", (_name, plaintext, wrapped) => {
    const cipher = createCipheriv("id-aes192-wrap-pad", key, initialValue);
    expect(Buffer.concat([cipher.update(plaintext, "hex"), cipher.final()]).toString("hex")).toBe(wrapped);
    const decipher = createDecipheriv("id-aes192-wrap-pad", key, initialValue);
    expect(Buffer.concat([decipher.update(wrapped, "hex"), decipher.final()]).toString("hex")).toBe(plaintext);
  });
});

describe("master keys as text", () => {
  const first = Buffer.alloc(32, 0xfb);
  const second = Buffer.alloc(32, 0x11);
  const read = (text: string) => parseMasterKeys(text).map(({ id, key }) => [id, key.export()]);

  it("are read in order, in either base64 alphabet, with or without padding and spaces", () => {
    expect(read(`a:${first.toString("base64")}, b-2:${second.toString("base64url")}`)).toEqual([
      ["a", first],
      ["b-2", second],
    ]);
    expect(read(`a:${first.toString("base64url")}=`)).toEqual([["a", first]]);
  });

  const good = first.toString("base64");
  it.each([
    ["nothing", ""],
    ["a key without an id", good],
    ["an empty id", `:${good}`],
    ["an id with a space", `my key:${good}`],
    ["an id of 65 characters", `${"a".repeat(65)}:${good}`],
    ["a third part", `a:${good}:b`],
    ["31 bytes", `a:${Buffer.alloc(31).toString("base64")}`],
    ["33 bytes", `a:${Buffer.alloc(33).toString("base64")}`],
    ["a key in hex", `a:${first.toString("hex")}`],
    ["a character that is not base64", `a:${good.slice(0, 5)}!${good.slice(5)}`],
    ["both alphabets in one key", `a:-+${good.slice(2)}`],
    ["a trailing comma", `a:${good},`],
    ["one id twice", `a:${good},a:${second.toString("base64")}`],
  ])("are refused with %s, and the message shows no key", (_name, text) => {
    expect(() => parseMasterKeys(text)).toThrow(TypeError);
    expect(() => parseMasterKeys(text)).toThrow(/^master key [12]: /);
    expect(() => parseMasterKeys(text)).not.toThrow(good.slice(6, 14));
  });

  it("cannot be printed", () => {
    const keys = parseMasterKeys(`a:${good}`);
    const shown = `${inspect(keys, { depth: 9, showHidden: true })} ${JSON.stringify(keys)}`;
    for (const spelling of [good, first.toString("hex"), "251"]) expect(shown).not.toContain(spelling);
  });
});
