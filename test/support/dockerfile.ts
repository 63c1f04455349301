export interface Instruction {
  readonly name: string;
  /** The rest of the line, continuations joined. */
  readonly text: string;
}

/** The instructions of a Dockerfile, without comments; flags of the instructions stay in the text. */
export function parseDockerfile(source: string): Instruction[] {
  return source
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, name = "", text = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name, text };
    });
}

/** The exec form. Throws for the shell form, under which a signal reaches the shell. */
export function execForm(text: string): string[] {
  return JSON.parse(text.slice(text.indexOf("["))) as string[];
}
