import type { Random } from "./random.ts";
import { placed, type Sample } from "./sample.ts";

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const DIGITS = "0123456789";
const ALPHABETS: Readonly<Record<string, string>> = {
  a: LOWER + UPPER + DIGITS,
  l: LOWER + DIGITS,
  h: "abcdef" + DIGITS,
  u: UPPER + DIGITS,
  b: `${LOWER}${UPPER}${DIGITS}-_`,
  s: `${LOWER}${UPPER}${DIGITS}+/`,
  d: DIGITS,
};

/**
 * Keys as their vendors document them: `{a:36}` are 36 letters and digits, `l` small ones, `h` hexadecimal, `u` capitals,
 * `b` base64url, `s` base64, `d` digits, `{U}` a UUID. The bar parts a prefix from what follows, so that no scanner takes
 * this file for a leak.
 */
const ANNOUNCED: Readonly<Record<string, string>> = {
  "1Password": "ops_|eyJ{b:240}",
  age: "AGE-SECRET-KEY-|1{u:58}",
  Airtable: "pat|{a:14}.{h:64}",
  Anthropic: "sk-|ant-api03-{b:93}AA",
  "Anthropic admin": "sk-|ant-admin01-{b:93}AA",
  Apify: "apify_|api_{a:36}",
  Atlassian: "ATATT3|xFfGF0{b:170}={h:8}",
  AWS: "AKIA|{u:16}",
  "AWS temporary": "ASIA|{u:16}",
  "Azure client": "{a:3}8Q~|{a:34}",
  Brevo: "xkeysib-|{h:64}-{a:16}",
  Buildkite: "bkua_|{h:40}",
  Cerebras: "csk-|{l:48}",
  CircleCI: "CCIPAT_|{a:22}_{h:40}",
  Cloudinary: "cloudinary|://{d:15}:{b:27}@demo",
  Contentful: "CFPAT-|{b:43}",
  Databricks: "dapi|{h:32}",
  DeepSeek: "sk-|{h:32}",
  DigitalOcean: "dop_v1_|{h:64}",
  Discord: "MT|{a:24}.G{a:5}.{b:38}",
  "Discord webhook": "https://discord.com/api/|webhooks/{d:19}/{b:68}",
  Docker: "dckr_pat_|{b:27}",
  Doppler: "dp.pt.|{a:43}",
  Dropbox: "sl.|{b:136}",
  ElevenLabs: "sk_|{h:48}",
  Figma: "figd_|{b:40}",
  Firecrawl: "fc-|{h:32}",
  Fireworks: "fw_|{a:24}",
  GitHub: "ghp_|{a:36}",
  "GitHub app": "ghs_|{a:36}",
  "GitHub fine-grained": "github_pat_|{a:22}_{a:59}",
  GitLab: "glpat-|{b:20}",
  "GitLab routable": "glpat-|{b:27}.01.{l:9}",
  Google: "AIza|{b:35}",
  "Google OAuth": "GOCSPX-|{b:28}",
  "Google access": "ya29.|{b:120}",
  Grafana: "glsa_|{a:32}_{h:8}",
  Groq: "gsk_|{a:52}",
  Heroku: "HRKU-|{U}",
  "Hugging Face": "hf_|{a:34}",
  HubSpot: "pat-|na1-{U}",
  Infura: "https://mainnet.infura.io/v3/|{h:32}",
  Jina: "jina_|{h:32}{b:27}",
  JWT: "eyJ|hbGciOiJIUzI1NiJ9.eyJ{b:60}.{b:43}",
  Langfuse: "sk-|lf-{U}",
  LangSmith: "lsv2_|pt_{h:32}_{h:10}",
  LaunchDarkly: "sdk-|{U}",
  Linear: "lin_api_|{a:40}",
  Mailchimp: "{h:32}-|us12",
  Mailgun: "key-|{h:32}",
  Mapbox: "sk.|eyJ1Ijoi{a:60}.{b:22}",
  MongoDB: "mongodb+srv|://app:{a:16}@cluster0.abcde.mongodb.net/x",
  Neon: "napi_|{l:64}",
  Netlify: "nfp_|{a:36}",
  "New Relic": "NRAK-|{u:27}",
  Notion: "ntn_|{d:11}{a:35}",
  npm: "npm_|{a:36}",
  NVIDIA: "nvapi-|{b:64}",
  NuGet: "oy2|{l:43}",
  OpenAI: "sk-|{a:20}T3BlbkFJ{a:20}",
  "OpenAI project": "sk-|proj-{b:74}T3BlbkFJ{b:74}",
  OpenRouter: "sk-|or-v1-{h:64}",
  Perplexity: "pplx-|{a:48}",
  Pinecone: "pcsk_|{a:6}_{a:63}",
  PlanetScale: "pscale_tkn_|{b:43}",
  PostgreSQL: "postgres|://app:{a:16}@db.example.internal:5432/x",
  Postman: "PMAK-|{h:24}-{h:34}",
  Pulumi: "pul-|{h:40}",
  PyPI: "pypi-|AgEIcHlwaS5vcmc{b:120}",
  Redis: "rediss|://default:{a:24}@eu1.example.io:6379",
  Render: "rnd_|{a:28}",
  Replicate: "r8_|{a:37}",
  Resend: "re_|{a:8}_{a:24}",
  RubyGems: "rubygems_|{h:48}",
  SendGrid: "SG.|{b:22}.{b:43}",
  Sentry: "sntrys_|eyJ{s:120}_{b:43}",
  Shopify: "shpat_|{h:32}",
  Slack: "xoxb-|{d:12}-{d:13}-{a:24}",
  "Slack webhook": "https://hooks.slack.com/|services/T{u:8}/B{u:8}/{a:24}",
  Square: "EAAA|{b:60}",
  Stripe: "sk_live_|{a:24}",
  "Stripe long": "sk_live_|51{a:97}",
  "Stripe webhook": "whsec_|{a:32}",
  Supabase: "sbp_|{h:40}",
  Tailscale: "tskey-|auth-{a:17}-{a:32}",
  Tavily: "tvly-|dev-{a:32}",
  Telegram: "{d:10}|:AA{b:33}",
  Terraform: "{a:14}.atlasv1.|{b:67}",
  Together: "tgp_v1_|{b:43}",
  Twilio: "SK|{h:32}",
  Typeform: "tfp_|{a:44}_{a:14}",
  Vault: "hvs.|{b:95}",
  Vercel: "vcp_|{a:56}",
  xAI: "xai-|{a:80}",
  "Zapier webhook": "https://hooks.zapier.com/|hooks/catch/{d:7}/{l:7}/",
};
/** Keys without a mark of their own: the name that they are assigned to gives them away. */
const ASSIGNED: Readonly<Record<string, string>> = {
  AWS_SECRET_ACCESS_KEY: "{s:40}",
  AZURE_STORAGE_ACCOUNT_KEY: "{s:86}==",
  ALGOLIA_API_KEY: "{h:32}",
  ASSEMBLYAI_API_KEY: "{h:32}",
  CLOUDFLARE_API_TOKEN: "{b:40}",
  COHERE_API_KEY: "{a:40}",
  DATADOG_API_KEY: "{h:32}",
  DD_APP_KEY: "{h:40}",
  DEEPGRAM_API_KEY: "{h:40}",
  MISTRAL_API_KEY: "{a:32}",
  OKTA_API_TOKEN: "00{b:40}",
  PAGERDUTY_TOKEN: "u+{b:18}",
  POSTMARK_SERVER_TOKEN: "{U}",
  SNYK_TOKEN: "{U}",
  TWILIO_AUTH_TOKEN: "{h:32}",
  WANDB_API_KEY: "{h:40}",
  client_secret: "{a:32}",
  JWT_SECRET: "{b:48}",
  session_token: "{s:60}",
  DB_PASSWORD: "{a:14}",
};

const TEMPLATES = [
  "the key is {}, keep it",
  "KEY={}",
  "export TOKEN='{}'",
  '{"apiKey":"{}"}',
  "Authorization: Bearer {}",
  "here: {}",
  "- key: {}",
  "use `{}` for now",
  'const k = "{}";',
  "x-api-key: {}",
  "({})",
  "it was {}.",
  "{}\n",
  "curl -H 'X-Auth: {}'",
  "token\t{}",
  "name,key\nprod,{}",
  "<key>{}</key>",
  "see {} and tell me why it fails",
  "ENV KEY {}",
  "[default]\nkey = {}",
];
const ASSIGNMENTS = [
  "NAME={}",
  "NAME = '{}'",
  'NAME: "{}"',
  '{"NAME": "{}"}',
  "export NAME={}",
  "- NAME: {}",
  'const NAME = "{}";',
  "set NAME to x\nNAME={}\n",
];

export const SECRET_VENDORS = [...Object.keys(ANNOUNCED), ...Object.keys(ASSIGNED)];

/** For an address with a password only the password must go; for all else the whole key. */
export function secretSample(vendor: string, random: Random): Sample {
  const announced = ANNOUNCED[vendor];
  const about = { type: "SECRET", kind: vendor };
  if (announced !== undefined) {
    const value = filled(announced.replace("|", ""), random);
    return withinAddress(placed(random.pick(TEMPLATES), value, about));
  }
  const template = random.pick(ASSIGNMENTS).replaceAll("NAME", vendor);
  return placed(template, filled(ASSIGNED[vendor] ?? "", random), about);
}

function filled(pattern: string, random: Random): string {
  const some = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet.charAt(random.below(alphabet.length))).join("");
  return pattern
    .replaceAll("{U}", () => [8, 4, 4, 4, 12].map((length) => some(ALPHABETS["h"] ?? "", length)).join("-"))
    .replaceAll(/\{(\w):(\d+)\}/g, (_, kind: string, length: string) => some(ALPHABETS[kind] ?? "", Number(length)));
}

function withinAddress(sample: Sample): Sample {
  const value = sample.text.slice(sample.start, sample.end);
  const password = /^[a-z+]+:\/\/[^/:]*:([^@/]+)@/.exec(value);
  const path = /^https:\/\/[^/]+\/[a-z0-9]+\//.exec(value);
  if (password?.[1] !== undefined) {
    const start = sample.start + value.indexOf(`:${password[1]}@`) + 1;
    return { ...sample, start, end: start + password[1].length };
  }
  // The path of a webhook is its secret; the host is not.
  return path === null ? sample : { ...sample, start: sample.start + path[0].length };
}
