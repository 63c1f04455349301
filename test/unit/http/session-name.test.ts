import { IncomingMessage } from "node:http";
import { Socket } from "node:net";

import { describe, expect, it } from "vitest";

import {
  namedSession,
  refuseSessionInQuery,
  type SessionAlias,
  sessionAliases,
} from "../../../src/http/session-name.ts";
import { upstreamPath } from "../../../src/http/upstream-path.ts";
import type { ChatRequest } from "../../../src/protocol/chat-request.ts";

const incoming = (headers: Record<string, string>, url = "/"): IncomingMessage =>
  Object.assign(new IncomingMessage(new Socket()), { headers, url });
const name = (
  headers: Record<string, string>,
  fields: object = {},
  aliases: readonly SessionAlias[] = sessionAliases,
) => namedSession(incoming(headers), { fields } as ChatRequest, aliases);

describe("the name of a session", () => {
  it("is nobody's unless it is said", () => {
    expect(name({})).toBeUndefined();
    expect(name({}, { metadata: null, prompt_cache_key: "", conversation: { id: "object" } })).toBeUndefined();
    expect(name({}, { metadata: "text" })).toBeUndefined();
    expect(name({}, { metadata: { session_id: 5 } })).toBeUndefined();
  });

  it("comes from the header or from each listed place", () => {
    expect(name({ "x-session-id": "a" }, {}, [])).toBe("a");
    expect(name({ "x-session-affinity": "a" })).toBe("a");
    expect(name({}, { metadata: { session_id: "a" } })).toBe("a");
    expect(name({}, { prompt_cache_key: "a" })).toBe("a");
    expect(name({}, { conversation: "a" })).toBe("a");
  });

  it("does not come from a place that is not listed", () => {
    const everywhere = { metadata: { session_id: "a" }, prompt_cache_key: "b", conversation: "c" };
    expect(name({ "x-session-affinity": "d" }, everywhere, [])).toBeUndefined();
    expect(name({}, everywhere, ["conversation"])).toBe("c");
  });

  it("may be said twice, but not in two ways", () => {
    expect(name({ "x-session-id": "a" }, { conversation: "a", prompt_cache_key: "a" })).toBe("a");
    const contradiction = expect.objectContaining({ code: "conflicting_session_id" });
    expect(() => name({ "x-session-id": "a" }, { conversation: "b" })).toThrow(contradiction);
    expect(() => name({}, { conversation: "b", prompt_cache_key: "a" })).toThrow(contradiction);
    expect(() => name({ "x-session-id": "" }, { conversation: "b" })).toThrow(contradiction);
  });
});

describe("a session id in the query", () => {
  it.each(["?session_id=a", "?a=1&Session-Id=", "?x-session-id", "?sessionid=a", "?%73ession_id=a"])(
    "is refused: %s",
    (query) => {
      expect(() => refuseSessionInQuery(`/v1/models${query}`)).toThrow(
        expect.objectContaining({ code: "session_id_in_query" }),
      );
    },
  );

  it.each(["/v1/session_id=a", "/v1/models", "/v1/models?", "/v1/models?session=a&id=b"])(
    "is not seen in %s",
    (url) => {
      expect(() => refuseSessionInQuery(url)).not.toThrow();
    },
  );
});

describe("the path upstream", () => {
  it.each([
    ["/v1/models", "/models"],
    ["/v1/a%2Fb?x=%20&y", "/a%2Fb?x=%20&y"],
    ["/v1", "/"],
    ["/v1?a=1", "/?a=1"],
    ["/v1/v1/models", "/v1/models"],
    ["http://gateway:8787/v1/models?a", "/models?a"],
    ["https://elsewhere/v1", "/"],
  ])("of %s is %s", (url, path) => {
    expect(upstreamPath(incoming({}, url))).toBe(path);
  });
});
