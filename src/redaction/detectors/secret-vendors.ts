import { characterSet, DIGITS, LETTERS } from "../characters.ts";

/** A key that announces itself: a vendor's prefix, then so many characters of a set. */
export interface SecretRule {
  readonly vendor: string;
  readonly prefix: string;
  readonly isBody: (unit: number) => boolean;
  readonly minBody: number;
  readonly mustLookRandom: boolean;
}

const HEX = characterSet(`${DIGITS}abcdefABCDEF`);
const ALPHANUMERIC = characterSet(LETTERS + DIGITS);
const WORD = characterSet(`${LETTERS}${DIGITS}_`);
const URL_SAFE = characterSet(`${LETTERS}${DIGITS}_-`);
const BASE64 = characterSet(`${LETTERS}${DIGITS}+/=`);
const DOTTED = characterSet(`${LETTERS}${DIGITS}_-.=`);
const PATH = characterSet(`${LETTERS}${DIGITS}+/_-`);
const UPPER = characterSet(`ABCDEFGHIJKLMNOPQRSTUVWXYZ${DIGITS}`);
const UPPER_DASHED = characterSet(`ABCDEFGHIJKLMNOPQRSTUVWXYZ${DIGITS}-`);

type Row = readonly [vendor: string, prefixes: string, isBody: (unit: number) => boolean, minBody: number];

/** Bodies may be a little shorter than the vendors make them: a key that was cut is still most of a key. */
const ROWS: readonly Row[] = [
  ["1password", "A3-", UPPER_DASHED, 26],
  ["1password", "ops_eyJ", BASE64, 40],
  ["adobe", "p8e-", ALPHANUMERIC, 30],
  ["age", "AGE-SECRET-KEY-1", UPPER, 40],
  ["airtable", "pat", DOTTED, 60],
  ["alibaba", "LTAI", ALPHANUMERIC, 12],
  ["anthropic", "sk-ant-", URL_SAFE, 20],
  ["artifactory", "AKCp cmVmd", ALPHANUMERIC, 50],
  ["asana", "1/", characterSet(`${DIGITS}:abcdef`), 40],
  ["atlassian", "ATATT3 ATCTT3 ATBB", DOTTED, 24],
  ["aws", "AKIA ASIA ABIA ACCA A3T", UPPER, 16],
  ["aws-bedrock", "ABSK bedrock-api-key-", BASE64, 20],
  ["clickhouse", "4b1d", ALPHANUMERIC, 36],
  ["clojars", "CLOJARS_", ALPHANUMERIC, 40],
  ["cloudflare", "v1.0-", URL_SAFE, 100],
  ["databricks", "dapi", HEX, 32],
  ["digitalocean", "dop_v1_ doo_v1_ dor_v1_", HEX, 40],
  ["discord", "mfa.", URL_SAFE, 60],
  ["base64-jwt", "ZXlK", BASE64, 50],
  ["docker", "dckr_pat_ dckr_oat_", URL_SAFE, 20],
  ["doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", DOTTED, 36],
  ["dropbox", "sl.", DOTTED, 100],
  ["duffel", "duffel_test_ duffel_live_", DOTTED, 36],
  ["dynatrace", "dt0c01. dt0s01. dt0s16.", DOTTED, 48],
  ["easypost", "EZAK EZTK", ALPHANUMERIC, 48],
  ["facebook", "EAAM EAAC EAAB", ALPHANUMERIC, 80],
  ["figma", "figd_ figo_", URL_SAFE, 30],
  ["flutterwave", "FLWSECK_TEST- FLWSECK-", ALPHANUMERIC, 12],
  ["flyio", "fo1_ fm1a_ fm1r_ fm2_", PATH, 40],
  ["frameio", "fio-u-", DOTTED, 50],
  ["gitlab", "glpat- gldt- glft- glffct- glimt- glrt- glptt- glcbt- glagent- gloas- glsoat- GR1348941", DOTTED, 18],
  ["github", "ghp_ gho_ ghu_ ghs_ ghr_", WORD, 30],
  ["github", "github_pat_", WORD, 40],
  ["gocardless", "live_", URL_SAFE, 40],
  ["google", "AIza", URL_SAFE, 30],
  ["google", "ya29.", DOTTED, 20],
  ["google", "GOCSPX-", URL_SAFE, 20],
  ["google", "1//0", URL_SAFE, 40],
  ["grafana", "glc_ glsa_ eyJrIjoi", PATH, 32],
  ["groq", "gsk_", ALPHANUMERIC, 40],
  ["harness", "pat. sat.", DOTTED, 60],
  ["hashicorp", "hvs. hvb. hvr. s.", DOTTED, 24],
  ["heroku", "HRKU-", URL_SAFE, 30],
  ["huggingface", "hf_ api_org_", ALPHANUMERIC, 30],
  ["infracost", "ico-", ALPHANUMERIC, 32],
  ["intra42", "s-s4t2ud- s-s4t2af-", HEX, 60],
  ["linear", "lin_api_ lin_oauth_", ALPHANUMERIC, 32],
  ["lob", "live_pub_ test_pub_ test_", HEX, 30],
  ["mailgun", "key- pubkey-", HEX, 32],
  ["mapbox", "pk.eyJ sk.eyJ tk.eyJ", DOTTED, 60],
  ["microsoft", "sig=", characterSet(`${LETTERS}${DIGITS}%+/=`), 40],
  ["newrelic", "NRAK- NRJS- NRII- NRRA- NRIQ- NRAA-", URL_SAFE, 19],
  ["notion", "ntn_ secret_", ALPHANUMERIC, 40],
  ["npm", "npm_", ALPHANUMERIC, 30],
  ["nuget", "oy2", ALPHANUMERIC, 43],
  ["octopus", "API-", UPPER, 26],
  ["openai", "sk-proj- sk-svcacct- sk-admin- sk-or-v1- sess-", URL_SAFE, 20],
  ["openai", "sk-", URL_SAFE, 16],
  ["openshift", "sha256~", URL_SAFE, 40],
  ["paypal", "access_token$production$ access_token$sandbox$", characterSet(`${LETTERS}${DIGITS}$`), 32],
  ["perplexity", "pplx-", ALPHANUMERIC, 32],
  ["planetscale", "pscale_tkn_ pscale_oauth_ pscale_pw_", DOTTED, 30],
  ["plaid", "access-sandbox- access-development- access-production-", URL_SAFE, 32],
  ["posthog", "phx_ phc_", ALPHANUMERIC, 40],
  ["postman", "PMAK-", URL_SAFE, 40],
  ["prefect", "pnu_ pnb_", ALPHANUMERIC, 36],
  ["pulumi", "pul-", HEX, 40],
  ["pypi", "pypi-AgE", URL_SAFE, 40],
  ["razorpay", "rzp_live_ rzp_test_", ALPHANUMERIC, 14],
  ["readme", "rdme_", ALPHANUMERIC, 60],
  ["replicate", "r8_", ALPHANUMERIC, 36],
  ["rubygems", "rubygems_", HEX, 40],
  ["scalingo", "tk-us-", URL_SAFE, 40],
  ["sendgrid", "SG.", DOTTED, 40],
  ["sendinblue", "xkeysib- xsmtpsib-", URL_SAFE, 60],
  ["sentry", "sntrys_ sntryu_", characterSet(`${LETTERS}${DIGITS}+/=_`), 50],
  ["settlemint", "sm_aat_ sm_pat_ sm_sat_", ALPHANUMERIC, 16],
  ["shippo", "shippo_live_ shippo_test_", HEX, 36],
  ["shopify", "shpat_ shpca_ shppa_ shpss_", HEX, 30],
  ["slack", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxe.xoxb- xoxe.xoxp- xoxc- xoxd- xapp-", PATH, 10],
  ["slack", "hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/", PATH, 24],
  ["discord", "discord.com/api/webhooks/ discordapp.com/api/webhooks/", PATH, 40],
  ["sonar", "sqp_ squ_ sqa_", ALPHANUMERIC, 36],
  ["sourcegraph", "sgp_", WORD, 40],
  ["square", "EAAA sq0atp- sq0csp-", URL_SAFE, 22],
  ["stripe", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ whsec_", ALPHANUMERIC, 10],
  ["supabase", "sbp_ sb_secret_", WORD, 30],
  ["tailscale", "tskey-", URL_SAFE, 20],
  ["teams", "webhook.office.com/webhookb2/", characterSet(`${LETTERS}${DIGITS}-@/`), 60],
  ["twilio", "SK", HEX, 32],
  ["twitter", "AAAAAAAAAAAAAAAAAAAAA", characterSet(`${LETTERS}${DIGITS}%`), 60],
  ["typeform", "tfp_", DOTTED, 50],
  ["vercel", "vercel_ vc_prod_", ALPHANUMERIC, 24],
  ["xai", "xai-", ALPHANUMERIC, 60],
  ["yandex", "AQVN", URL_SAFE, 35],
  ["yandex", "t1.", DOTTED, 80],
  ["yandex", "YC", URL_SAFE, 38],
  ["authress", "scauth_ authress_", characterSet(`${LETTERS}${DIGITS}_.+/=-`), 60],
  ["defined", "dnkey-", DOTTED, 60],
];

/** Prefixes that ordinary names may follow, as in `sk-learn-pipeline`: then the rest must look random. */
const AMBIGUOUS = new Set("sk- s. pat live_ pat. sat. t1. YC sess- sl. vercel_ sig= tk-us- SG. mfa.".split(" "));

export const SECRET_RULES: readonly SecretRule[] = ROWS.flatMap(([vendor, prefixes, isBody, minBody]) =>
  prefixes
    .split(" ")
    .map((prefix) => ({ vendor, prefix, isBody, minBody, mustLookRandom: AMBIGUOUS.has(prefix) }) satisfies SecretRule),
);
