import type { IncomingHttpHeaders } from "node:http";

import type { Credential } from "./principal.ts";

/** The credential a request brings, as bearer or in Azure's header; its cookies are no credential. */
export function credentialOf(headers: IncomingHttpHeaders): Credential | undefined {
  if (headers.authorization) return { header: "authorization", value: headers.authorization };
  const azureKey = headers["api-key"];
  return typeof azureKey === "string" && azureKey !== "" ? { header: "api-key", value: azureKey } : undefined;
}

/** The key or token itself; "" for a scheme with nothing behind it. */
export function secretOf(credential: Credential | undefined): string {
  return credential?.value.replace(/^bearer(?:\s+|$)/i, "").trim() ?? "";
}
