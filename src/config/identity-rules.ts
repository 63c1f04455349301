import { hash } from "node:crypto";

import { isLoopback } from "../kit/loopback.ts";
import type { GatewayConfig } from "./gateway-config.ts";

/** Notes a contradiction at the path of a key. */
export type Refuse = (path: string, message: string) => void;

/** Combinations of `identity.*` and the shared account that would let the wrong people in, or nobody. */
export function checkIdentity(config: GatewayConfig, refuse: Refuse): void {
  const { identity, upstream, http, sessions } = config;
  const { mode, anonymous, cookie, tenants } = identity;
  const isShared = upstream.apiKey !== undefined;
  if (mode !== "passthrough" && !isShared) {
    refuse("upstream.apiKey", `identity.mode ${mode} needs it: callers' own credentials mean nothing to the upstream`);
  }
  if (anonymous === "minted" && !isShared) {
    refuse("upstream.apiKey", "identity.anonymous minted needs it: such callers bring no credential for the upstream");
  }
  if (anonymous === "minted" && sessions.idFormat !== "token") {
    refuse("sessions.idFormat", "identity.anonymous minted needs token: the id is all that protects such a session");
  }
  if (upstream.sharedRoutes.length > 0 && !isShared) {
    refuse("upstream.sharedRoutes", "has a meaning only with upstream.apiKey");
  }
  if (mode === "passthrough" && isShared && tenants.length === 0 && anonymous === "off" && !isLoopback(http.host)) {
    refuse(
      "identity.tenants",
      "list who may use upstream.apiKey, or choose identity.mode keys or jwt: any key would do",
    );
  }
  if (mode !== "passthrough" && tenants.length > 0) {
    refuse("identity.tenants", "has a meaning only in passthrough mode");
  }
  if (cookie.absoluteSeconds < cookie.idleSeconds) {
    refuse("identity.cookie.absoluteSeconds", "is shorter than identity.cookie.idleSeconds");
  }
  if (cookie.sameSite === "none" && http.cors.origins.length === 0) {
    refuse(
      "identity.cookie.sameSite",
      "none sends the cookie from every site: name those you mean in http.cors.origins",
    );
  }
  checkTokens(identity, refuse);
  checkTenants(identity, refuse);
}

function checkTokens({ mode, jwt }: GatewayConfig["identity"], refuse: Refuse): void {
  for (const name of ["jwksUrl", "issuer", "audience"] as const) {
    if (mode === "jwt" && jwt[name] === undefined) refuse(`identity.jwt.${name}`, "identity.mode jwt needs it");
    if (mode !== "jwt" && jwt[name] !== undefined) refuse(`identity.jwt.${name}`, "is read only in identity.mode jwt");
  }
  if (jwt.jwksUrl === undefined) return;
  const { protocol, hostname } = new URL(jwt.jwksUrl);
  // Whoever can change this answer on its way signs tokens of everybody.
  if (protocol === "http:" && !isLoopback(hostname)) refuse("identity.jwt.jwksUrl", "must be https off this machine");
}

function checkTenants({ tenants }: GatewayConfig["identity"], refuse: Refuse): void {
  const names = new Set<string>();
  const digests = new Set<string>();
  for (const [index, { name, credentials }] of tenants.entries()) {
    if (names.has(name)) refuse(`identity.tenants.${index}.name`, "stands twice");
    names.add(name);
    for (const [at, credential] of credentials.entries()) {
      const text = credential.expose();
      const path = `identity.tenants.${index}.credentials.${at}`;
      const isDigest = text.startsWith("sha256:");
      if (isDigest && !/^sha256:[0-9a-f]{64}$/i.test(text)) refuse(path, "expected sha256: and 64 hex digits");
      const digest = isDigest ? text.slice("sha256:".length).toLowerCase() : hash("sha256", text, "hex");
      if (digests.has(digest)) refuse(path, "is listed twice");
      digests.add(digest);
    }
  }
}
