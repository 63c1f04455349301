/** The text in a message's content, whichever form it has; parts that are not text say nothing. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: unknown) => contentText(textField(part))).join("\n");
}

const textField = (part: unknown): unknown =>
  typeof part === "object" && part !== null ? (part as { readonly text?: unknown }).text : undefined;
