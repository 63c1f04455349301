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
const UUID = characterSet(`${DIGITS}abcdefABCDEF-`);
const PATH = characterSet(`${LETTERS}${DIGITS}+/_-`);
const UPPER = characterSet(`ABCDEFGHIJKLMNOPQRSTUVWXYZ${DIGITS}`);
const UPPER_DASHED = characterSet(`ABCDEFGHIJKLMNOPQRSTUVWXYZ${DIGITS}-`);

type Row = readonly [vendor: string, prefixes: string, isBody: (unit: number) => boolean, minBody: number];

/** Bodies may be a little shorter than the vendors make them: a key that was cut is still most of a key. */
const ROWS: readonly Row[] = [
  ["1password", "A3-", UPPER_DASHED, 26],
  ["1password", "ops_eyJ", PATH, 40],
  ["adobe", "p8e-", ALPHANUMERIC, 30],
  ["age", "AGE-SECRET-KEY-1", UPPER, 40],
  ["airtable", "pat", DOTTED, 60],
  ["alibaba", "LTAI", ALPHANUMERIC, 12],
  ["anthropic", "sk-ant-", URL_SAFE, 20],
  ["apify", "apify_api_", ALPHANUMERIC, 30],
  ["artifactory", "AKCp cmVmd", ALPHANUMERIC, 50],
  ["asana", "1/", characterSet(`${DIGITS}:abcdef`), 40],
  ["atlassian", "ATATT3 ATCTT3 ATBB", DOTTED, 24],
  ["aws", "AKIA ASIA ABIA ACCA A3T", UPPER, 16],
  ["aws-bedrock", "ABSK bedrock-api-key-", BASE64, 20],
  ["buildkite", "bkua_ bkaj_", HEX, 36],
  ["cerebras", "csk-", ALPHANUMERIC, 40],
  ["circleci", "CCIPAT_ CCIPRJ_", WORD, 40],
  ["clickhouse", "4b1d", ALPHANUMERIC, 36],
  ["clojars", "CLOJARS_", ALPHANUMERIC, 40],
  ["cloudflare", "v1.0-", URL_SAFE, 100],
  ["contentful", "CFPAT-", URL_SAFE, 40],
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
  ["elevenlabs", "sk_", HEX, 40],
  ["facebook", "EAAM EAAC EAAB", ALPHANUMERIC, 80],
  ["figma", "figd_ figo_", URL_SAFE, 30],
  ["firecrawl", "fc-", HEX, 32],
  ["fireworks", "fw_", ALPHANUMERIC, 22],
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
  ["hubspot", "pat-na1- pat-na2- pat-eu1- pat-ap1-", UUID, 34],
  ["huggingface", "hf_ api_org_", ALPHANUMERIC, 30],
  ["infura", "infura.io/v3/", HEX, 32],
  ["infracost", "ico-", ALPHANUMERIC, 32],
  ["intra42", "s-s4t2ud- s-s4t2af-", HEX, 60],
  ["jina", "jina_", URL_SAFE, 40],
  ["langsmith", "lsv2_pt_ lsv2_sk_", WORD, 32],
  ["launchdarkly", "sdk- mob- api-", UUID, 36],
  ["linear", "lin_api_ lin_oauth_", ALPHANUMERIC, 32],
  ["lob", "live_pub_ test_pub_ test_", HEX, 30],
  ["mailgun", "key- pubkey-", HEX, 32],
  ["mapbox", "pk.eyJ sk.eyJ tk.eyJ", DOTTED, 60],
  ["microsoft", "sig=", characterSet(`${LETTERS}${DIGITS}%+/=`), 40],
  ["neon", "napi_", ALPHANUMERIC, 50],
  ["netlify", "nfp_ nfc_ nfo_", ALPHANUMERIC, 30],
  ["newrelic", "NRAK- NRJS- NRII- NRRA- NRIQ- NRAA-", URL_SAFE, 19],
  ["notion", "ntn_ secret_", ALPHANUMERIC, 40],
  ["npm", "npm_", ALPHANUMERIC, 30],
  ["nuget", "oy2", ALPHANUMERIC, 43],
  ["nvidia", "nvapi-", URL_SAFE, 50],
  ["octopus", "API-", UPPER, 26],
  ["openai", "sk-proj- sk-svcacct- sk-admin- sk-or-v1- sess-", URL_SAFE, 20],
  ["openai", "sk-", URL_SAFE, 16],
  ["openshift", "sha256~", URL_SAFE, 40],
  ["paypal", "access_token$production$ access_token$sandbox$", characterSet(`${LETTERS}${DIGITS}$`), 32],
  ["perplexity", "pplx-", ALPHANUMERIC, 32],
  ["pinecone", "pcsk_", WORD, 50],
  ["planetscale", "pscale_tkn_ pscale_oauth_ pscale_pw_", DOTTED, 30],
  ["plaid", "access-sandbox- access-development- access-production-", URL_SAFE, 32],
  ["posthog", "phx_ phc_", ALPHANUMERIC, 40],
  ["postman", "PMAK-", URL_SAFE, 40],
  ["prefect", "pnu_ pnb_", ALPHANUMERIC, 36],
  ["pulumi", "pul-", HEX, 40],
  ["pypi", "pypi-AgE", URL_SAFE, 40],
  ["razorpay", "rzp_live_ rzp_test_", ALPHANUMERIC, 14],
  ["readme", "rdme_", ALPHANUMERIC, 60],
  ["render", "rnd_", ALPHANUMERIC, 24],
  ["replicate", "r8_", ALPHANUMERIC, 36],
  ["resend", "re_", WORD, 28],
  ["rubygems", "rubygems_", HEX, 40],
  ["scalingo", "tk-us-", URL_SAFE, 40],
  ["sendgrid", "SG.", DOTTED, 40],
  ["sendinblue", "xkeysib- xsmtpsib-", URL_SAFE, 60],
  ["sentry", "sntrys_ sntryu_", characterSet(`${LETTERS}${DIGITS}+/=_-`), 50],
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
  ["tavily", "tvly-", URL_SAFE, 28],
  ["teams", "webhook.office.com/webhookb2/", characterSet(`${LETTERS}${DIGITS}-@/`), 60],
  ["together", "tgp_v1_", URL_SAFE, 36],
  ["twilio", "SK", HEX, 32],
  ["twitter", "AAAAAAAAAAAAAAAAAAAAA", characterSet(`${LETTERS}${DIGITS}%`), 60],
  ["typeform", "tfp_", DOTTED, 50],
  ["vercel", "vercel_ vc_prod_", ALPHANUMERIC, 24],
  ["vercel", "vcp_ vca_ vci_ vcr_ vck_", ALPHANUMERIC, 40],
  ["xai", "xai-", ALPHANUMERIC, 60],
  ["yandex", "AQVN", URL_SAFE, 35],
  ["yandex", "t1.", DOTTED, 80],
  ["yandex", "YC", URL_SAFE, 38],
  ["authress", "scauth_ authress_", characterSet(`${LETTERS}${DIGITS}_.+/=-`), 60],
  ["zapier", "hooks.zapier.com/hooks/catch/", characterSet(`${LETTERS}${DIGITS}/`), 10],
  ["defined", "dnkey-", DOTTED, 60],
];

/** Prefixes that ordinary names may follow, as in `sk-learn-pipeline`: then the rest must look random. */
const AMBIGUOUS = new Set(
  "sk- s. pat live_ pat. sat. t1. YC sess- sl. vercel_ sig= tk-us- SG. mfa. fw_ rnd_ re_ csk- jina_ tvly-".split(" "),
);

export const SECRET_RULES: readonly SecretRule[] = ROWS.flatMap(([vendor, prefixes, isBody, minBody]) =>
  prefixes
    .split(" ")
    .map((prefix) => ({ vendor, prefix, isBody, minBody, mustLookRandom: AMBIGUOUS.has(prefix) }) satisfies SecretRule),
);
