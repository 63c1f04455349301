import { errorCatalog } from "../src/errors/error-catalog.ts";

const INTRODUCTION = `# Errors

Every error of the gateway has OpenAI's shape, so the official clients raise their usual exceptions:

\`\`\`json
{ "error": { "message": "...", "type": "...", "param": null, "code": "..." } }
\`\`\`

\`code\` is one of the list below and is never reused; \`message\` is the sentence beside it, or one that names the mistake
more closely. Where retrying helps, the answer carries \`Retry-After\`. Errors of the upstream are not in this list: they
pass with their own status, headers and body. Written by \`npm run docs:errors\` from \`src/errors/error-catalog.ts\`.
`;

const HEADING = `
| code | status | type | retry | message |
| --- | --- | --- | --- | --- |
`;

/** `docs/errors.md`, by status. */
export function renderErrorPage(): string {
  const rows = Object.entries(errorCatalog)
    .toSorted(([, one], [, other]) => one.status - other.status)
    .map(([code, { status, type, retryable, publicMessage }]) =>
      [`\`${code}\``, status, `\`${type}\``, retryable ? "yes" : "no", publicMessage].join(" | "),
    );
  return `${INTRODUCTION}${HEADING}${rows.map((row) => `| ${row} |\n`).join("")}`;
}
