import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { AuditLog, AuditRecord } from "../../../src/audit/audit-log.ts";
import { createSharedRoutes } from "../../../src/http/shared-routes.ts";
import { parseChatRequest } from "../../../src/protocol/chat-request.ts";
import { noAuditLog } from "../../support/no-audit-log.ts";
import { inCiOrProving } from "../../support/prove.ts";

const refusals: AuditRecord[] = [];
const audit: AuditLog = { ...noAuditLog, record: (record) => void refusals.push(record) };
const asker = { owner: "ada", address: "192.0.2.1" };
const routes = createSharedRoutes(["GET /files/*", "POST /files"], audit);
const bare = createSharedRoutes([], audit);
const notShared = expect.objectContaining({ code: "route_not_shared" });
const UPLOAD = "multipart/form-data; boundary=x";

const incoming = (method: string, url: string, contentType = UPLOAD) => ({
  method,
  url,
  headers: { "content-type": contentType },
});
const passes = (method: string, url: string, from = bare): boolean => {
  try {
    from.checkRoute(incoming(method, url), asker);
    return true;
  } catch (error) {
    expect(error).toEqual(notShared);
    return false;
  }
};

const allowed = [
  "POST /v1/chat/completions",
  "POST /v1/completions",
  "POST /v1/embeddings",
  "POST /v1/moderations",
  "POST /v1/audio/speech",
  "POST /v1/audio/transcriptions",
  "POST /v1/audio/translations",
  "POST /v1/images/generations",
  "POST /v1/images/edits",
  "POST /v1/images/variations",
  "GET /v1/models",
  "GET /v1/models/gpt-5",
  "GET /v1/models/ft:gpt-4o:org::abc123",
];
const refused = [
  "GET /v1/files",
  "POST /v1/files",
  "GET /v1/files/file-1/content",
  "GET /v1/batches",
  "POST /v1/responses",
  "GET /v1/responses/resp_1",
  "GET /v1/chat/completions",
  "GET /v1/chat/completions/chatcmpl-1",
  "POST /v1/chat/completions/chatcmpl-1",
  "DELETE /v1/chat/completions/chatcmpl-1",
  "GET /v1/chat/completions/chatcmpl-1/messages",
  "POST /v1/assistants",
  "GET /v1/threads/thread_1",
  "GET /v1/vector_stores",
  "DELETE /v1/models/ft:mine",
  "GET /v1/organization/usage",
  "GET /v1/models/gpt-5/permissions",
  "PUT /v1/embeddings",
  "GET /v1/",
  "GET /v1",
];
const split = (route: string): [string, string] => route.split(" ") as [string, string];

describe("a route of a shared account", () => {
  it.each(allowed)("%s passes, with any query", (route) => {
    const [method, path] = split(route);
    expect(passes(method, path)).toBe(true);
    expect(passes(method, `${path}?limit=2&x=/files`)).toBe(true);
  });

  it.each(refused)("%s is refused", (route) => expect(passes(...split(route))).toBe(false));

  it("passes when the operator lists it, an asterisk for one segment", () => {
    expect(passes("GET", "/v1/files/file-1", routes)).toBe(true);
    expect(passes("POST", "/v1/files", routes)).toBe(true);
    for (const path of ["/v1/files/file-1/content", "/v1/files/", "/v1/files/..", "/v1/files/a%2Fb", "/v1/files/*"]) {
      expect(passes("GET", path, routes)).toBe(false);
    }
    expect(passes("DELETE", "/v1/files/file-1", routes)).toBe(false);
  });

  it("that is refused is told to the audit log, without the path", () => {
    refusals.length = 0;
    passes("GET", "/v1/files/secret-file");
    expect(refusals).toEqual([{ event: "authz_fail", ...asker, reason: "route_not_shared" }]);
  });

  it("takes uploads as uploads only: a JSON body could name a stored file", () => {
    for (const path of ["/v1/images/edits", "/v1/images/variations", "/v1/audio/transcriptions"]) {
      expect(() => bare.checkRoute(incoming("POST", path, "application/json"), asker)).toThrow(notShared);
      expect(() => bare.checkRoute(incoming("POST", path, "multipart/form-data"), asker)).toThrow(notShared);
    }
    expect(() => bare.checkRoute(incoming("POST", "/v1/embeddings", "application/json"), asker)).not.toThrow();
  });
});

/** What the most lenient server could take a path for: decoded as often as it goes, folded, without its edges. */
function mostLenientReading(path: string): string {
  let decoded = path;
  for (let round = 0; round < 4; round += 1) decoded = decodeLeniently(decoded);
  const segments: string[] = [];
  for (const segment of decoded.split(/[/\\]/)) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment.split(/[;#?]/, 1)[0] ?? "");
  }
  return `/${segments.join("/").toLowerCase().trim()}`;
}
const decodeLeniently = (text: string): string =>
  text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

const disguises: readonly ((path: string) => string)[] = [
  (path) => path.replaceAll("/", "//"),
  (path) => `${path}/`,
  (path) => `${path}/.`,
  (path) => path.replaceAll(/[a-z]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (path) => path.replace(/\/([^/]*)$/, "%2F$1"),
  (path) => path.replace(/\/([^/]*)$/, "\\$1"),
  (path) => path.toUpperCase().replace("/V1", "/v1"),
  (path) => path.replace("/v1/", "/v1/models/../"),
  (path) => path.replace("/v1/", "/v1/models/%2e%2e/"),
  (path) => path.replace("/v1/", "/v1/./"),
  (path) => path.replace("/v1/", "/v1/embeddings/..;/"),
  (path) => path.replace("/v1/", "/v1//"),
  (path) => path.replaceAll("%", "%25"),
  (path) => `${path}#/v1/models`,
  (path) => `${path};x=1`,
  (path) => `http://127.0.0.1${path}`,
  (path) => `${path}%00`,
  (path) => `${path}%20`,
];

const DISGUISED = inCiOrProving(2_000, 50_000);

describe("no way of writing a path", () => {
  it("lets a refused route through, whatever is done to it", () => {
    const disguised = fc.tuple(
      fc.constantFrom(...refused.map(split)),
      fc.array(fc.constantFrom(...disguises), { maxLength: 4 }),
    );
    fc.assert(
      fc.property(disguised, ([[method, path], ways]) => {
        expect(
          passes(
            method,
            ways.reduce((written, way) => way(written), path),
          ),
        ).toBe(false);
      }),
      { numRuns: DISGUISED },
    );
    process.stdout.write(`shared routes: ${DISGUISED} disguises of refused routes tried, 0 passed\n`);
  });

  it("is read by the most lenient server as another route than the one that was compared", () => {
    const names = [..."/.%2eEfF5cC;\\#:", "models", "files", "..", "gpt-5", "embeddings", "chat", "completions"];
    const paths = fc.array(fc.constantFrom(...names), { maxLength: 8 }).map((pieces) => `/${pieces.join("")}`);
    const asked = fc.tuple(fc.constantFrom("GET", "POST", "DELETE"), fc.oneof(paths, fc.webPath()));
    fc.assert(
      fc.property(asked, ([method, path]) => {
        if (!passes(method, `/v1${path}`)) return;
        const plain = path.split("?", 1)[0] ?? "";
        const isModel = /^\/models\/[\w.:@-]+$/.test(plain);
        expect(isModel ? plain.toLowerCase() : plain).toBe(mostLenientReading(plain));
      }),
      {
        numRuns: inCiOrProving(5_000, 100_000),
        examples: [[["GET", "/models/gpt-5"]], [["GET", "/models"]], [["POST", "/embeddings"]]],
      },
    );
  });
});

const chat = (text: string) => parseChatRequest(Buffer.from(text), { maxDepth: 64, maxKeys: 1_000, maxValues: 1_000 });
const withContent = (content: string, more = ""): string =>
  `{"model":"m",${more}"messages":[{"role":"user","content":${content}}]}`;

describe("a chat request to a shared account", () => {
  it.each([
    ["stores its answer", withContent('"x"', '"store":true,')],
    ["stores its answer, in another spelling", withContent('"x"', '"Store":true,')],
    ["stores its answer, with an escape in the key", withContent('"x"', String.raw`"st\u006fre":true,`)],
    ["stores its answer, as a server might read it", withContent('"x"', '"store":"true",')],
    ["names a file", withContent('[{"type":"file","file":{"file_id":"file-1"}}]')],
    ["names an image file", withContent('[{"type":"image_file","image_file":{"file_id" : "file-1"}}]')],
    ["names a file with escapes", withContent(String.raw`[{"type":"file","file":{"file\u005fid":"file-1"}}]`)],
    [
      "hides a file behind a second key",
      withContent('[{"type":"file","file":{"file_id":"file-1"},"file":{"file_data":"x"}}]'),
    ],
    ["names a file in capitals", withContent('[{"type":"file","file":{"FILE_ID":"file-1"}}]')],
  ])("is refused when it %s", (_, text) => {
    expect(() => bare.checkChat(chat(text), asker)).toThrow(notShared);
  });

  it.each([
    ["stores nothing", withContent('"x"', '"store":false,')],
    ["does not say", withContent('"x"', '"store":null,')],
    ["speaks of file_id in its text", withContent(String.raw`[{"type":"text","text":"the \"file_id\": is \\"}]`)],
    ["speaks of it in a plain text", withContent('"file_id"')],
    [
      "offers a tool with such a parameter",
      withContent('"x"', '"tools":[{"function":{"parameters":{"file_id":{}}}}],'),
    ],
    ["brings its file", withContent('[{"type":"file","file":{"file_data":"data:x"}}]')],
  ])("passes when it %s", (_, text) => {
    expect(() => bare.checkChat(chat(text), asker)).not.toThrow();
  });
});
