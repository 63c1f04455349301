import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, it } from "vitest";

import { strategyNames } from "../../../src/history/history-strategy.ts";
import { runOperatorCommand } from "../../support/run-operator-command.ts";

const folder = mkdtempSync(join(tmpdir(), "stategate-estimate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const estimate = (args: readonly string[], input = "") => runOperatorCommand(["estimate", ...args], { folder, input });

interface Shown {
  readonly conversations: number;
  readonly turns: number;
  readonly priced: boolean;
  readonly strategies: readonly (Record<string, number | null> & { readonly strategy: string })[];
}

async function figures(args: readonly string[], input = ""): Promise<Shown> {
  const { code, stdout, stderr } = await estimate([...args, "--json"], input);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Shown;
}

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown, more: object = {}) => ({ role: "assistant", content, ...more });
const words = (count: number): string => Array.from({ length: count }, (_, index) => `word${index}`).join(" ");
const chat = [
  { role: "system", content: "Be brief." },
  user("What is the weather in Tokyo?"),
  assistant(null, {
    tool_calls: [{ id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Tokyo"}' } }],
  }),
  { role: "tool", tool_call_id: "call_1", content: "18 degrees" },
  assistant("18 degrees."),
  user([
    { type: "text", text: "And here?" },
    { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
  ]),
  assistant("A picture of rain."),
];
const long = Array.from({ length: 40 }, (_, turn) => [user(`${turn} ${words(120)}`), assistant(words(150))]).flat();

describe("stategate estimate", () => {
  it("shows every strategy there is, and writes nothing beside the file", async () => {
    const file = put("long.json", JSON.stringify(long));
    const before = readdirSync(folder);
    const { code, stdout } = await estimate([file, "--model", "gpt-5"]);
    expect(code).toBe(0);
    expect(stdout).toContain("1 conversation, 40 turns, gpt-5");
    for (const name of strategyNames) expect(stdout).toMatch(new RegExp(`^  ${name}[, ]`, "m"));
    expect(stdout).toContain("hybrid, summaries by a model");
    expect(stdout).toContain("hybrid, extractive summaries");
    expect(stdout).toContain("The prompt cache forgets after 300 s");
    expect(stdout).toContain("Were the cache cold at every turn: full replay $");
    expect(readdirSync(folder)).toEqual(before);
  });

  it("saves nothing by full replay, and prices the rest against it", async () => {
    const { strategies } = await figures(["-", "--model", "gpt-5"], JSON.stringify(long));
    const [full, ...others] = strategies;
    expect(full).toMatchObject({ strategy: "full", saved_tokens: 0, saved_usd: 0, compactions: 0 });
    for (const other of others) {
      expect(other["full_replay_usd"]).toBe(full?.["input_usd"]);
      const net = (other["full_replay_usd"] ?? 0) - (other["input_usd"] ?? 0) - (other["overhead_usd"] ?? 0);
      expect(other["saved_usd"]).toBeCloseTo(net, 12);
    }
  });

  it("costs more where the cache is cold between turns", async () => {
    const [warm, cold] = await Promise.all(
      ["60", "301"].map((gap) =>
        figures(["-", "--model", "gpt-5", "--strategy", "full", "--gap-seconds", gap], JSON.stringify(long)),
      ),
    );
    expect(warm?.strategies[0]?.["cached_tokens"]).toBeGreaterThan(0);
    expect(cold?.strategies[0]?.["cached_tokens"]).toBe(0);
  });

  it("goes by the times that the messages state", async () => {
    const hourly = long.map((message, index) => ({ ...message, timestamp: 1_700_000_000 + index * 3_600 }));
    const { strategies } = await figures(["-", "--model", "gpt-5", "--strategy", "full"], JSON.stringify(hourly));
    expect(strategies[0]?.["cached_tokens"]).toBe(0);
  });

  it("has tokens and no money for a model without a price", async () => {
    const { priced, strategies } = await figures(["-", "--model", "nobodys-model"], JSON.stringify(long));
    expect(priced).toBe(false);
    for (const shown of strategies) expect([shown["input_usd"], shown["saved_usd"]]).toEqual([null, null]);
    expect(strategies.at(-1)?.["saved_tokens"]).toBeGreaterThan(0);
    const { stdout } = await estimate(["-", "--model", "nobodys-model"], JSON.stringify(long));
    expect(stdout).toContain("no price");
    expect(stdout).not.toContain("$");
  });

  it("follows the configuration beside it", async () => {
    const args = ["estimate", "-", "--model", "gpt-5", "--strategy", "window", "--json"];
    const counts = await Promise.all(
      ["2", "20"].map(async (turns) => {
        const env = { STATEGATE_HISTORY__WINDOW__TURNS: turns, STATEGATE_HISTORY__EXACT: "true" };
        const { stdout } = await runOperatorCommand(args, { folder, env, input: JSON.stringify(long) });
        return (JSON.parse(stdout) as Shown).strategies[0]?.["prompt_tokens"] ?? 0;
      }),
    );
    expect(counts[0]).toBeLessThan((counts[1] ?? 0) / 3);
  });
});

describe("the files that stategate estimate reads", () => {
  const lines = (values: readonly unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join("");
  const growing = [2, 4, 7].map((end) => ({ model: "gpt-5", messages: chat.slice(0, end) }));
  const tree = {
    current_node: "c",
    mapping: {
      a: { parent: null, message: null },
      b: { parent: "a", message: { author: { role: "user" }, content: { parts: ["Hello?"] }, create_time: 1.7e9 } },
      stray: { parent: "a", message: { author: { role: "user" }, content: { parts: ["Edited away"] } } },
      c: { parent: "b", message: { author: { role: "assistant" }, content: { parts: ["Hello."] } } },
    },
  };
  const shareGpt = {
    conversations: [
      { from: "human", value: "Hello?" },
      { from: "gpt", value: "Hello." },
    ],
  };

  it.each([
    ["an array of messages", JSON.stringify(chat), 1, 3],
    ["an object with messages, after a byte order mark", `\uFEFF${JSON.stringify({ messages: chat })}`, 1, 3],
    ["an array of conversations", JSON.stringify([{ messages: chat }, { messages: long }]), 2, 43],
    ["a request over several lines", JSON.stringify({ messages: chat }, undefined, 2), 1, 3],
    ["a line for each conversation", lines([{ messages: chat }, { messages: long }]), 2, 43],
    ["a line for each message", lines(chat), 1, 3],
    ["a log of requests, each repeating the one before", lines(growing), 1, 3],
    ["a batch file", lines([{ custom_id: "1", body: { messages: chat } }]), 1, 3],
    ["a question without an answer", JSON.stringify(chat.slice(0, 6)), 1, 3],
    ["a greeting before the first question", JSON.stringify([assistant("Welcome!"), ...chat.slice(1)]), 1, 3],
    ["ChatGPT's export", JSON.stringify([tree, tree]), 1, 1],
    ["ShareGPT's", JSON.stringify(shareGpt), 1, 1],
  ])("are %s", async (_, text, conversations, turns) => {
    const shown = await figures(["-", "--model", "gpt-5"], text);
    expect([shown.conversations, shown.turns]).toEqual([conversations, turns]);
  });

  it("count images and tools", async () => {
    const plain = await figures(["-", "--model", "gpt-5", "--strategy", "full"], JSON.stringify(chat));
    const tools = [{ type: "function", function: { name: "weather", description: words(50), parameters: {} } }];
    const withTools = await figures(
      ["-", "--model", "gpt-5", "--strategy", "full"],
      JSON.stringify({ tools, messages: chat }),
    );
    expect(plain.strategies[0]?.["prompt_tokens"]).toBeGreaterThan(85);
    expect(withTools.strategies[0]?.["prompt_tokens"]).toBeGreaterThan(
      (plain.strategies[0]?.["prompt_tokens"] ?? 0) + 3 * 50,
    );
  });

  it.each([
    ["", "is empty"],
    ["[]", "there is no message in it"],
    ['{"a": 1}', 'expected messages, or an object with "messages"'],
    ['[{"role":"user","content":"secret words"},', "line 1, column 43: this is not JSON"],
    ['{"a": }', "line 1, column 7: this is not JSON"],
    ['[{"role":"user",\n  "content":"secret words" "x"}]', "line 2, column 28: this is not JSON"],
    [`${JSON.stringify({ messages: chat })}\n\n{"messages": [tru]}\n`, "line 3, column 18: this is not JSON"],
    ['{"messages":[{"role":"user","content":"secret words"},{"role":3}]}', "messages[1].role must be a string"],
    [
      `${JSON.stringify({ messages: long })}\n{"messages":[{"role":"user","content":7}]}`,
      "line 2: messages[0].content",
    ],
    ['[{"messages":[]}]', "no model was asked anything"],
    ['[{"role":"system","content":"Be brief."}]', "no model was asked anything"],
  ])("are refused with their mistake: %s", async (text, complaint) => {
    const file = put("bad.json", text);
    const { code, stdout, stderr } = await estimate([file, "--model", "gpt-5"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(complaint);
    expect(stderr).not.toContain("secret words");
  });

  it.each([
    [["chat.json"], 1, "--model says"],
    [["--model", "gpt-5"], 1, "name one file"],
    [["nowhere.json", "--model", "gpt-5"], 1, "nowhere.json cannot be read"],
    [["-", "--model", "gpt-5", "--strategy", "fifo"], 1, "--strategy is one of full, window"],
    [["-", "--model", "gpt-5", "--gap-seconds", "soon"], 1, "--gap-seconds takes whole seconds"],
    [["-", "--models", "gpt-5"], 2, "Unknown option '--models'"],
  ])("and arguments too: %s", async (args, code, complaint) => {
    const outcome = await estimate(args, "[]");
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain(complaint);
  });
});
