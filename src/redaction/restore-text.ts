/** Withheld values by what stands for them: a placeholder in brackets, or the redacted name of a tool. */
export interface WithheldLookup {
  readonly size: number;
  get(standIn: string): string | undefined;
}

/**
 * How a value is written where it is put back. `json`: the text is a JSON document, so inside its strings a value is
 * escaped. `either`: the text's own beginning tells.
 */
export type TextForm = "plain" | "json" | "either";

/** Puts values back into a text that comes in pieces, split anywhere. */
export interface TextRestorer {
  /** What can be said by now. Held back is only an end that may be the beginning of a placeholder. */
  push(piece: string): string;
  /** What is still held: the text ends here. */
  end(): string;
}

/** Of any name that a configuration may give: `[NAME_8hex]`, two to 24 capitals, digits and underscores. */
const PLACEHOLDER_HERE = /^\[[A-Z][A-Z0-9_]{1,23}_[0-9a-f]{8}\]/;
const BEGINNING = /^\[(?:[A-Z][A-Z0-9_]{0,23}(?:_[0-9a-f]{0,8})?)?$/;
const LONGEST = 1 + 24 + 1 + 8 + 1;

export function createTextRestorer(values: WithheldLookup, form: TextForm): TextRestorer {
  const position = createJsonPosition(form);
  let held = "";
  return {
    push(piece) {
      const text = held + piece;
      held = "";
      let restored = "";
      for (let at = 0; ;) {
        const open = text.indexOf("[", at);
        const plain = open < 0 ? text.slice(at) : text.slice(at, open);
        position.pass(plain);
        restored += plain;
        if (open < 0) return restored;
        const rest = text.slice(open, open + LONGEST);
        const placeholder = PLACEHOLDER_HERE.exec(rest)?.[0];
        const value = placeholder === undefined ? undefined : values.get(placeholder);
        if (placeholder !== undefined && value !== undefined) {
          restored += position.write(value);
          at = open + placeholder.length;
        } else if (placeholder === undefined && open + rest.length === text.length && BEGINNING.test(rest)) {
          held = rest;
          return restored;
        } else {
          position.pass("[");
          restored += "[";
          at = open + 1;
        }
      }
    },
    end() {
      const rest = held;
      held = "";
      position.pass(rest);
      return rest;
    },
  };
}

export function restoreText(text: string, values: WithheldLookup, form: TextForm): string {
  if (!text.includes("[")) return text;
  const restorer = createTextRestorer(values, form);
  return restorer.push(text) + restorer.end();
}

interface JsonPosition {
  pass(text: string): void;
  /** A value as it must be written here. */
  write(value: string): string;
}

const BLANK = /\s/;
/** What may follow the bracket of a JSON array; the capital of a placeholder may not. */
const ARRAY_ITEM = /[\s\d"[\]{-]/;

/** Whether the text so far ends inside a string of a JSON document. */
function createJsonPosition(form: TextForm): JsonPosition {
  let state: "unknown" | "bracket" | "plain" | "between" | "string" | "escape" =
    form === "plain" ? "plain" : form === "json" ? "between" : "unknown";
  const step = (character: string): void => {
    if (state === "between") state = character === '"' ? "string" : "between";
    else if (state === "string") state = character === "\\" ? "escape" : character === '"' ? "between" : "string";
    else if (state === "escape") state = "string";
    else if (state === "bracket") {
      state = ARRAY_ITEM.test(character) ? "between" : "plain";
      if (character === '"') state = "string";
    } else if (!BLANK.test(character)) state = character === "{" ? "between" : character === "[" ? "bracket" : "plain";
  };
  return {
    pass(text) {
      for (let index = 0; index < text.length && state !== "plain"; index++) step(text.charAt(index));
    },
    write(value) {
      if (state === "unknown" || state === "bracket") state = "plain";
      return state === "string" ? JSON.stringify(value).slice(1, -1) : value;
    },
  };
}
