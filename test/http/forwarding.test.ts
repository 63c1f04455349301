import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { freshSession, onSession, sendChat } from "../support/http-calls.ts";
import { openRawConnection } from "../support/raw-connection.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

/** What clients put into a body besides plain messages, printed as no library would. */
const oddBody = String.raw`
  {  "x_vendor" : {"nested":[1,  2.50, 1e3, 12345678901234567890, -0]} ,"model":"gpt-5" ,
	"messages" :[ {"role":"system","content":"Be \u0062rief \ud83d\ude00"} ,
     {"content":[{"type":"text","text":"naïve 東京 😀"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"}}],"role":"user","name":"ada", "x":null}],
  "tools":[{"type":"function","function":{"name":"look_up","parameters":{"type":"object","properties":{"q":{"type":"string"}}}}}],"tool_choice":"none",
  "response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}},
  "n":2,"temperature":0.70,"seed":null,"logit_bias":{"50256":-100}  }
`;

const sentBytes = (): string => gateway.upstream.log.at(-1)?.bytes.toString("utf8") ?? "";

describe("requests that need no change go upstream byte for byte", () => {
  it("without a session", async () => {
    const { status } = await sendChat(gateway, oddBody);
    expect(status).toBe(200);
    expect(sentBytes()).toBe(oddBody);
  });

  it("as the first request of a session", async () => {
    const { status, headers } = await sendChat(gateway, oddBody, { headers: onSession(freshSession()) });
    expect(status).toBe(200);
    expect(headers.get("x-history-mode")).toBe("new");
    expect(sentBytes()).toBe(oddBody);
  });

  it("as the first request of a session that streams and asks for usage itself", async () => {
    const body = `{"stream" : true, "stream_options":{ "include_usage" :true,"include_obfuscation":false},"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}`;
    await sendChat(gateway, body, { headers: onSession(freshSession()) });
    expect(sentBytes()).toBe(body);
  });

  it("as a full replay, white space inside the replayed messages included", async () => {
    const session = onSession(freshSession());
    gateway.upstream.script("first", "one");
    await sendChat(gateway, `{"model":"gpt-5","messages":[{"role":"user","content":"first"}]}`, { headers: session });
    const replay = `{"model":"gpt-5","messages":[ {"role" : "user","content":"first"},{"role":"assistant",  "content":"one","refusal":null,"annotations":[]},\n{"role":"user","content":"second"} ]}`;
    const { headers } = await sendChat(gateway, replay, { headers: session });
    expect(headers.get("x-history-mode")).toBe("replay");
    expect(sentBytes()).toBe(replay);
  });

  it("with personal data in it: only the stored copy is redacted", async () => {
    const body = `{"model":"gpt-5","messages":[{"role":"user","content":"write to ada@example.com"}]}`;
    await sendChat(gateway, body, { headers: onSession(freshSession()) });
    expect(sentBytes()).toBe(body);
  });

  it("whatever JSON stands in the fields that the gateway does not read", async () => {
    const fields = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 5 }), { maxKeys: 5 });
    await fc.assert(
      fc.asyncProperty(
        fields,
        fc.constantFrom("", " ", "\n\t", "\r\n  "),
        fc.boolean(),
        async (extra, space, named) => {
          const known = new Set(["model", "messages", "stream", "stream_options", "n", "tools"]);
          const unknown = Object.entries(extra).filter(([key]) => !known.has(key));
          const members = [
            ...unknown,
            ["model", "gpt-5"],
            ["messages", [{ role: "user", content: "hi", ...(extra["x"] as object) }]],
          ].map(([key, value]) => `${space}${JSON.stringify(key)}${space}:${space}${JSON.stringify(value)}`);
          const body = `${space}{${members.join(`${space},`)}${space}}${space}`;
          const { status } = await sendChat(gateway, body, { headers: named ? onSession(freshSession()) : {} });
          expect(status).toBe(200);
          expect(sentBytes()).toBe(body);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("requests that need a change keep every other byte", () => {
  it("a stream without usage gains the wish for it and nothing else", async () => {
    const body = ` {"model":"gpt-5", "stream":true,"messages":[{"role":"user","content":"hi"}] }`;
    await sendChat(gateway, body, { headers: onSession(freshSession()) });
    expect(sentBytes()).toBe(body.replace("{", '{"stream_options":{"include_usage":true},'));
  });

  it("stream options of the client's own are kept beside it", async () => {
    const body = (options: string): string =>
      `{"stream_options":${options}, "model":"gpt-5","stream":true,"messages":[{"role":"user","content":"hi"}]}`;
    await sendChat(gateway, body(`{ "include_obfuscation":false }`), { headers: onSession(freshSession()) });
    expect(sentBytes()).toBe(body(`{"include_obfuscation":false,"include_usage":true}`));
    await sendChat(gateway, body("null"), { headers: onSession(freshSession()) });
    expect(sentBytes()).toBe(body(`{"include_usage":true}`));
  });

  it("a delta keeps what stands around its messages, and every message its own bytes", async () => {
    const session = onSession(freshSession());
    gateway.upstream.script("first", "one");
    const first = `{"role" : "user" , "content":"first","x_mark":1.0}`;
    await sendChat(gateway, `{"model":"gpt-5","messages":[${first}]}`, { headers: session });
    const second = `{ "content":"se\\u0063ond","role":"user"}`;
    await sendChat(gateway, `{ "messages" : [  ${second}\n] ,"temperature":0.50,"model":"gpt-5"}`, {
      headers: session,
    });
    const answer = `{"role":"assistant","content":"one"}`;
    expect(sentBytes()).toBe(`{ "messages" : [${first},${answer},${second}] ,"temperature":0.50,"model":"gpt-5"}`);
  });

  it("a session keeps the query of its request", async () => {
    const path = "/chat/completions?api-version=preview";
    const body = { model: "gpt-5", messages: [{ role: "user", content: "hi" }] };
    for (const headers of [{}, onSession(freshSession())]) {
      await fetch(`${gateway.url}${path}`, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { authorization: "Bearer sk-a", "content-type": "application/json", ...headers },
      });
    }
    expect(gateway.upstream.log.map((request) => request.path)).toEqual([`/v1${path}`, `/v1${path}`]);
  });
});

describe("requests as HTTP allows them", () => {
  const common = "Host: gateway\r\nAuthorization: Bearer sk-a\r\nContent-Type: application/json\r\n";
  const body = `{"model":"gpt-5","messages":[{"role":"user","content":"[[len:1]] naïve 東京"}]}`;

  it("may come in chunks of any size", async () => {
    const connection = await openRawConnection(gateway.origin);
    const session = freshSession();
    connection.write(
      `POST /v1/chat/completions HTTP/1.1\r\n${common}X-Session-Id: ${session}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    for (const byte of Buffer.from(body)) {
      connection.write(Buffer.concat([Buffer.from("1\r\n"), Buffer.from([byte]), Buffer.from("\r\n")]));
    }
    connection.write("0\r\n\r\n");
    expect((await connection.answer()).status).toBe(200);
    expect(sentBytes()).toBe(body);
    connection.close();
  });

  it("may follow each other without waiting, and are answered in their order", async () => {
    const connection = await openRawConnection(gateway.origin);
    const request = (text: string, session: string): string => {
      const bytes = body.replace("[[len:1]]", text);
      const length = Buffer.byteLength(bytes);
      return `POST /v1/chat/completions HTTP/1.1\r\n${common}X-Session-Id: ${session}\r\nContent-Length: ${length}\r\n\r\n${bytes}`;
    };
    const texts = ["[[delay:60]][[len:1]]", "[[delay:20]][[len:2]]", "[[len:3]]"];
    connection.write(texts.map((text) => request(text, freshSession())).join(""));
    const answers = [await connection.answer(), await connection.answer(), await connection.answer()];
    expect(answers.map((answer) => /word0[^"]*/.exec(answer.body)?.[0])).toEqual([
      "word0",
      "word0 word1",
      "word0 word1 word2",
    ]);
    connection.close();
  });

  it("may ask to be told to go on before they send their body", async () => {
    const connection = await openRawConnection(gateway.origin);
    const length = Buffer.byteLength(body);
    connection.write(
      `POST /v1/chat/completions HTTP/1.1\r\n${common}Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`,
    );
    expect((await connection.answer()).status).toBe(100);
    connection.write(body);
    expect((await connection.answer()).status).toBe(200);
    connection.close();
  });
});

describe("request headers", () => {
  it("reach the upstream but for those that are meant for the gateway", async () => {
    const headers = onSession(freshSession(), {
      "openai-organization": "org-1",
      "x-custom": "kept",
      "x-user-id": "ada",
      "x-history-mode": "delta",
      "x-history-strategy": "full",
      "x-session-record": "on",
      cookie: "a=b",
      "accept-encoding": "gzip, br",
    });
    await sendChat(gateway, { model: "gpt-5", messages: [{ role: "user", content: "hi" }] }, { headers });
    const sent = gateway.upstream.log.at(-1)?.headers ?? {};
    expect(sent).toMatchObject({
      authorization: "Bearer sk-test-user-1",
      "openai-organization": "org-1",
      "x-custom": "kept",
      "content-type": "application/json",
      "accept-encoding": "identity",
    });
    const kept = Object.keys(sent).filter((name) => /^x-(session|history|user)|cookie/.test(name));
    expect(kept).toEqual([]);
  });
});
