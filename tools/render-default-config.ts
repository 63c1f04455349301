import { stringify } from "yaml";

import type { KeySchema } from "./config-json-schema.ts";

const WIDTH = 110;

const HEADER = `# yaml-language-server: $schema=./config/gateway.schema.json
#
# Every key with its default: delete what you do not change. A key without a default stands as a comment with an
# example. Any key can also be set by a variable: STATEGATE_ and its path in capitals, joined by two underscores, so
# STATEGATE_UPSTREAM__PROMPT_CACHE__TTL_SECONDS=600. Lists are separated by commas. Variables win over this file.
# Written by \`npm run config:schema\` from src/config/config-schema.ts.
`;

/** The commented `gateway.config.yaml`. A key without a default is commented out as `#key: example`, without a space. */
export function renderDefaultConfig(schema: KeySchema): string {
  return `${HEADER}\n${renderKeys(schema, "")}`;
}

function renderKeys({ properties = {} }: KeySchema, indent: string): string {
  const blankBetween = indent === "" ? "\n" : "";
  return Object.entries(properties)
    .map(([key, child]) => renderComment(child, indent) + renderKey(key, child, indent))
    .join(blankBetween);
}

function renderKey(key: string, child: KeySchema, indent: string): string {
  if (child.properties) return `${indent}${key}:\n${renderKeys(child, `${indent}  `)}`;
  if (child.default === undefined) return `${indent}#${key}: ${flow(child.examples?.[0])}\n`;
  return `${indent}${key}: ${flow(child.default)}\n`;
}

function renderComment({ description = "" }: KeySchema, indent: string): string {
  const lines = [""];
  for (const word of description.split(" ")) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length + indent.length < WIDTH) lines[lines.length - 1] = line;
    else lines.push(` ${word}`);
  }
  return description === "" ? "" : lines.map((line) => `${indent}#${line}\n`).join("");
}

const flow = (value: unknown): string =>
  stringify(value, { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
