import type { GatewayConfig } from "./gateway-config.ts";

/** What an upstream takes besides the request. Nobody is sent what he may not know: only one address is known by itself. */
export function upstreamProfile({ profile, url }: Pick<GatewayConfig["upstream"], "profile" | "url">) {
  if (profile !== "auto") return profile;
  return new URL(url).hostname === "api.openai.com" ? "openai" : "none";
}
