import { writeFileSync } from "node:fs";

import { configJsonSchema } from "./config-json-schema.ts";
import { renderDefaultConfig } from "./render-default-config.ts";

const schema = configJsonSchema();
const root = new URL("../", import.meta.url);
writeFileSync(new URL("config/gateway.schema.json", root), `${JSON.stringify(schema, null, 2)}\n`);
writeFileSync(new URL("gateway.config.yaml", root), renderDefaultConfig(schema));
