import type { IncomingHttpHeaders } from "node:http";

import type { Redactor } from "../redaction/redactor.ts";

/** Who pays and may ask is for the upstream to know. */
const CREDENTIAL = /^authorization$|api-key$|auth-token$|^openai-(?:organization|project)$/;
/** Where a request came from, as proxies in front note it. */
const ORIGIN = /^(?:forwarded|from|referer|via|x-real-ip|x-forwarded-.*|.*-client-ip|.*-connecting-ip)$/;

/**
 * A request's headers without those that tell of the caller: where he sits, and whatever else personal data stands in.
 *
 * @throws GatewayError `redaction_failed`: then nothing may leave
 */
export async function hideHeaders(headers: IncomingHttpHeaders, redactor: Redactor): Promise<IncomingHttpHeaders> {
  const kept = Object.entries(headers).filter(([header]) => !ORIGIN.test(header));
  const given = kept.map(([header, value]) => (CREDENTIAL.test(header) ? undefined : value));
  const redactions = await redactor.redactValues(given, (type) => `[${type}_00000000]`);
  return Object.fromEntries(kept.filter((_, index) => redactions[index]?.value === given[index]));
}
