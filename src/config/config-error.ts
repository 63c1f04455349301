export interface ConfigMistake {
  /** Dotted path of a key, the name of a variable, or the place in the file. */
  readonly path: string;
  /** Never holds the value: it may be a secret. */
  readonly message: string;
}

/** Every mistake of a configuration at once: who mends one should not have to start again to see the next. */
export class ConfigError extends Error {
  readonly mistakes: readonly ConfigMistake[];

  constructor(mistakes: readonly ConfigMistake[]) {
    super(["The configuration is wrong:", ...mistakes.map(({ path, message }) => `  ${path}: ${message}`)].join("\n"));
    this.name = "ConfigError";
    this.mistakes = mistakes;
  }
}
