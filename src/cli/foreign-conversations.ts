import { isJsonObject, type JsonObject } from "../protocol/json-object.ts";

const roleOf: Readonly<Record<string, string>> = {
  human: "user",
  user: "user",
  gpt: "assistant",
  assistant: "assistant",
  system: "system",
};

/** `{conversations: [{from, value}]}`, as collections of chats have it; `undefined` for anything else. */
export function fromShareGpt({ conversations }: JsonObject): JsonObject[] | undefined {
  if (!Array.isArray(conversations)) return undefined;
  return conversations.filter(isJsonObject).flatMap(({ from, value }) => {
    const role = roleOf[String(from)];
    return role !== undefined && typeof value === "string" ? [{ role, content: value }] : [];
  });
}

/**
 * A conversation of ChatGPT's data export: a tree of which the branch to `current_node` is what was said last. Its tool
 * traffic names no calls and is left out.
 */
export function fromChatGpt({ mapping, current_node: current }: JsonObject): JsonObject[] | undefined {
  if (!isJsonObject(mapping) || typeof current !== "string") return undefined;
  const branch: JsonObject[] = [];
  const seen = new Set<string>();
  for (let id: unknown = current; typeof id === "string" && !seen.has(id);) {
    seen.add(id);
    const node: unknown = mapping[id];
    if (!isJsonObject(node)) break;
    if (isJsonObject(node["message"])) branch.unshift(...messageOf(node["message"]));
    id = node["parent"];
  }
  return branch;
}

function messageOf({ author, content, create_time }: JsonObject): JsonObject[] {
  const role = isJsonObject(author) ? roleOf[String(author["role"])] : undefined;
  const parts = isJsonObject(content) && Array.isArray(content["parts"]) ? (content["parts"] as unknown[]) : [];
  const shown = parts
    .filter((part) => part !== "")
    .map((part) => (typeof part === "string" ? { type: "text", text: part } : { type: "image_url" }));
  return role === undefined || shown.length === 0 ? [] : [{ role, content: shown, create_time }];
}
