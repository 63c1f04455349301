/** R13, S7: bodies that are almost JSON, or JSON that is almost a request. Clear 4xx or an ordinary answer; nothing in between. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";

import { createAttackFigures } from "../support/attack-figures.ts";
import { chatsOf, onSession, send, sendChat } from "../support/http-calls.ts";
import { inCiOrProving } from "../support/prove.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const MUTATIONS = inCiOrProving(2_000, 100_000);
const MUTATIONS_AT_ONCE = 16;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    env: { STATEGATE_STORE: "memory:" },
  });
});
afterAll(() => gateway.close());

/** Texts that parsers of JSON disagree about (RFC 8259 allows none of the first, all of the second list). */
const notJson: readonly string[] = [
  ...'{ [ " { [ ] } , : { " a'.split(" "),
  "{]",
  "[}",
  '{"a"',
  '{"a":',
  '{"a":1,}',
  "{,}",
  "[,]",
  "[1,]",
  "[1 2]",
  "{'a':1}",
  "{a:1}",
  '{"a":1 "b":2}',
  '{"a":01}',
  '{"a":+1}',
  '{"a":.5}',
  '{"a":5.}',
  '{"a":1e}',
  '{"a":1e+}',
  '{"a":0x1F}',
  '{"a":NaN}',
  '{"a":Infinity}',
  '{"a":-Infinity}',
  '{"a":-}',
  '{"a":--1}',
  '{"a":1_000}',
  '{"a":True}',
  '{"a":nul}',
  '{"a":undefined}',
  '{"a":"\\x41"}',
  '{"a":"\\u00"}',
  '{"a":"\\u00zz"}',
  '{"a":"\\',
  '{"a":"\\"}',
  '{"a":"\t"}',
  '{"a":"\n"}',
  '{"a":"\u0000"}',
  '{"a":1}}',
  '{"a":1}x',
  '{"a":1}{"b":2}',
  '{"a":1}\u0000',
  "\uFEFF",
  "// comment\n{}",
  '{"a":1/**/}',
  "<xml/>",
  "a=b&c=d",
];

/** Valid JSON that is no request, or a strange one. The bytes of the second kind are sent as they are. */
const strange: readonly (string | Buffer)[] = [
  "{}",
  "[]",
  "null",
  "true",
  "0",
  '""',
  '{"model":"gpt-5"}',
  '{"messages":[]}',
  '{"model":"gpt-5","messages":{}}',
  '{"model":"gpt-5","messages":"hi"}',
  '{"model":"gpt-5","messages":[null]}',
  '{"model":"gpt-5","messages":[[]]}',
  '{"model":"gpt-5","messages":["hi"]}',
  '{"model":"gpt-5","messages":[{}]}',
  '{"model":"gpt-5","messages":[{"role":"user"}]}',
  '{"model":"gpt-5","messages":[{"role":1,"content":"hi"}]}',
  '{"model":"gpt-5","messages":[{"role":"user","content":1}]}',
  '{"model":"gpt-5","messages":[{"role":"user","content":{}}]}',
  '{"model":"gpt-5","messages":[{"role":"user","content":[1]}]}',
  '{"model":"gpt-5","messages":[{"role":"__proto__","content":"hi"}]}',
  '{"model":"gpt-5","messages":[{"role":"assistant","tool_calls":[null]}]}',
  '{"model":"gpt-5","messages":[{"role":"assistant","tool_calls":[{"id":1,"function":null}]}]}',
  '{"model":"gpt-5","messages":[{"role":"tool","content":"x"}]}',
  '{"model":{},"messages":[{"role":"user","content":"hi"}]}',
  '{"model":"gpt-5","model":"gpt-5","messages":[{"role":"user","content":"hi"}]}',
  '{"model":"gpt-5","messages":[{"role":"user","content":"a"}],"messages":[{"role":"user","content":"b"}]}',
  '{"model":"gpt-5","messages":[{"role":"user","role":"system","content":"hi"}]}',
  '{"model":"gpt-5","n":-1,"messages":[{"role":"user","content":"hi"}]}',
  '{"model":"gpt-5","n":1e308,"messages":[{"role":"user","content":"hi"}]}',
  '{"model":"gpt-5","stream":"yes","messages":[{"role":"user","content":"hi"}]}',
  '{"model":"gpt-5","stream":true,"stream_options":7,"messages":[{"role":"user","content":"hi"}]}',
  '{"model":"gpt-5","messages":[{"role":"user","content":"\\ud800"}]}',
  '{"model":"gpt-5","messages":[{"role":"user","content":"\\u0000"}]}',
  '{"model":"gpt-5","messages":[{"role":"user","content":"hi"}],"x":1E400}',
  '{"model":"gpt-5","messages":[{"role":"user","content":"hi"}],"x":123456789012345678901234567890}',
  '{"\\u006dodel":"gpt-5","\\u006dessages":[{"\\u0072ole":"user","content":"hi"}]}',
  Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]),
  Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"model":"gpt-5","messages":[]}')]),
  Buffer.from('{"model":"gpt-5","messages":[{"role":"user","content":"\xff\xc0\x80"}]}', "latin1"),
];

let session = 0;
const post = (body: string | Buffer) => sendChat(gateway, body, { headers: onSession(`json-${(session += 1)}`) });

it("what is not JSON is a 400, and the model is not asked", async () => {
  const figures = createAttackFigures();
  gateway.upstream.reset();
  for (const body of notJson) {
    const { status, text } = await post(body);
    figures.count(status, body);
    expect([status, (JSON.parse(text) as { error: { code: string } }).error.code], body).toEqual([
      400,
      "body_not_json",
    ]);
  }
  expect(chatsOf(gateway)).toEqual([]);
  figures.report("not JSON");
});

it("what is JSON but strange is refused or answered, and never breaks anything", async () => {
  const figures = createAttackFigures();
  for (const body of strange) figures.count((await post(body)).status, body.toString("latin1"));
  figures.report("strange JSON");
});

const seed = JSON.stringify({
  model: "gpt-5",
  stream: false,
  metadata: { session_id: "x", a: [1, 2.5, -3e8, true, null] },
  messages: [
    { role: "system", content: "be brief" },
    { role: "user", content: [{ type: "text", text: "[[len:1]] caf\u00e9 \ud83d\ude00 jane@example.com" }] },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
    },
    { role: "tool", tool_call_id: "c", content: "done" },
    { role: "user", content: "[[len:1]] hi" },
  ],
});
const splices = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ",",
  ":",
  "\\",
  "\\u",
  "\u0000",
  "null",
  "1e9",
  "__proto__",
  '"role":',
  "é",
  "\ud800",
];

const mutation = fc.record({
  at: fc.nat(seed.length),
  length: fc.nat(40),
  insert: fc.oneof(fc.constantFrom(...splices), fc.string({ maxLength: 8 }), fc.constant("")),
  repeat: fc.constantFrom(1, 1, 1, 50),
});

it(`${MUTATIONS} mutations of a request break nothing`, { timeout: 1_800_000 }, async () => {
  const figures = createAttackFigures();
  const texts = fc
    .sample(fc.array(mutation, { minLength: 1, maxLength: 3 }), MUTATIONS)
    .map((steps) =>
      steps.reduce(
        (text, { at, length, insert, repeat }) => text.slice(0, at) + insert.repeat(repeat) + text.slice(at + length),
        seed,
      ),
    );
  const next = texts.values();
  const attack = async (): Promise<void> => {
    for (const body of next) figures.count((await post(body)).status, body);
  };
  await Promise.all(Array.from({ length: MUTATIONS_AT_ONCE }, attack));
  figures.report("mutated requests");
  expect(figures.tried).toBe(MUTATIONS);
});

it("no key of a body reaches the prototype of anything", async () => {
  const figures = createAttackFigures();
  const payload = '{"polluted":"yes","isAdmin":true}';
  const places = [
    `{"__proto__":${payload},"model":"gpt-5","messages":[{"role":"user","content":"[[len:1]]"}]}`,
    `{"model":"gpt-5","messages":[{"__proto__":${payload},"role":"user","content":"[[len:1]]"}]}`,
    `{"model":"gpt-5","messages":[{"role":"user","content":[{"type":"text","text":"[[len:1]]","__proto__":${payload}}]}]}`,
    `{"model":"gpt-5","constructor":{"prototype":${payload}},"messages":[{"role":"user","content":"[[len:1]]"}]}`,
    `{"model":"gpt-5","metadata":{"__proto__":${payload}},"messages":[{"role":"user","content":"[[len:1]]"}]}`,
    `{"model":"gpt-5","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"__proto__","arguments":"{\\"__proto__\\":{\\"polluted\\":1}}"}}]},{"role":"tool","tool_call_id":"a","content":"{\\"__proto__\\":{\\"polluted\\":1}}"},{"role":"user","content":"[[len:1]]"}]}`,
  ];
  for (const body of places) {
    figures.count((await post(body)).status, body);
    figures.count((await send(gateway, "/sessions", { method: "POST", body })).status, body);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    expect(Reflect.get([], "isAdmin")).toBeUndefined();
  }
  const created = await send(gateway, "/sessions", { method: "POST", body: `{"__proto__":{"id":"chosen"}}` });
  expect([created.status, created.text]).toEqual([400, expect.stringContaining("__proto__")]);
  figures.report("prototype pollution");
});
