import type { Random } from "./random.ts";
import { placed, type Sample } from "./sample.ts";

const TEMPLATES = [
  "blocked address {}",
  "from {}",
  "{}",
  "client_ip = {}",
  "http://{H}/x",
  '{} - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 12',
  "ping {} failed",
  "ssh root@{}",
  '{"ip":"{}"}',
  "X-Forwarded-For: {}",
  "remote={}; user=7",
  "({})",
  "|{}|",
  "peer {} closed",
  "host {}, port 22",
  "the server at {}.",
  "{}/24 is banned",
  "ip:{}",
  "src={} dst=10.0.0.1",
  "connect({})",
  "addr='{}'",
  "2026-01-02T10:00:00Z WARN login from {}",
];

export function ipSample(random: Random): Sample {
  const isOld = random.below(3) > 0;
  const [kind, value] = isOld ? ipv4(random) : ipv6(random);
  const template = random.pick(TEMPLATES).replace("{H}", isOld ? "{}" : "[{}]");
  return placed(template, value, { type: "IP", kind });
}

function ipv4(random: Random): [string, string] {
  const first = random.pick([1, 2, 8, 11, 23, 41, 64, 86, 91, 130, 151, 173, 185, 195, 203, 212, 223]);
  const address = [first, random.below(256), random.below(256), random.below(256)].join(".");
  const mark = random.pick(["", "", "", ":8080", "[.]"]);
  if (mark === "[.]") return ["IPv4 defanged", address.replaceAll(".", "[.]")];
  return ["IPv4", address];
}

function ipv6(random: Random): [string, string] {
  const group = (): string => random.below(65_536).toString(16);
  const start = random.pick(["2001", "2a00", "2a02", "2600", "2620", "2400", "2803", "2c0f"]);
  const forms: readonly (readonly [string, () => string])[] = [
    ["IPv6 full", () => [start, ...Array.from({ length: 7 }, () => group().padStart(4, "0"))].join(":")],
    ["IPv6 short", () => `${start}:${group()}::${group()}`],
    ["IPv6 long tail", () => `${start}:${group()}:${group()}::${group()}:${group()}`],
    ["IPv6 end", () => `${start}:${group()}:${group()}::`],
    ["IPv6 capital", () => `${start}:${group()}::${group()}:${group()}`.toUpperCase()],
  ];
  const [kind, form] = random.pick(forms);
  return [kind, form()];
}

const LOCALS = [
  "jane",
  "jane.doe",
  "j.r.doe",
  "jane_doe",
  "jane-doe",
  "jane+news",
  "jane.doe+tag.x",
  "JaneDoe",
  "JDOE",
  "j",
  "jane99",
  "99jane",
  "o'brien",
  "jane%home",
  "_jane",
  "jane_",
  "a.b.c.d",
  "info",
  "no-reply",
  "x!y",
  "{jane}",
  "müller",
  "josé.garcía",
  "ванечка",
  "山田",
  "jane*",
  '"jane doe"',
  '"j@ne"',
];
const DOMAINS = [
  "example.com",
  "example.org",
  "mail.example.co.uk",
  "gmail.com",
  "jourrapide.com",
  "teleworm.us",
  "fleckens.hu",
  "cuvox.de",
  "example.museum",
  "example.photography",
  "example.dev",
  "example.travel",
  "sub.sub.example.io",
  "münchen.de",
  "xn--mnchen-3ya.de",
  "пример.рф",
  "例え.jp",
  "example.xn--p1ai",
  "ex-ample.ai",
  "123.com",
  "EXAMPLE.COM",
  "a.co",
  "example.international",
  "example.app",
  "[203.0.113.9]",
  "example.com.br",
  "example.zip",
];
const EMAIL_TEMPLATES = [
  "mail me at {}",
  "{}",
  "my e-mail is {}.",
  "<{}>",
  "Jane Doe <{}>",
  '{"email":"{}"}',
  "email={}&x=1",
  "mailto:{}?subject=hi",
  "({})",
  "to: {}; cc: none",
  "E-mail:\n{}\n",
  "write {} or call",
  "contact={},",
  "user {} not found",
  "'{}'",
  "[mail]({})",
  "name,mail\nJane,{}",
  'author = "{}"',
  "see {}, please",
  "login {} failed",
  "From: {} ",
  "|{}|",
  "{} wrote:",
  "Is {} right?",
  "`{}`",
];

export function emailSample(random: Random): Sample {
  const local = random.pick(LOCALS);
  const domain = random.pick(DOMAINS);
  return placed(random.pick(EMAIL_TEMPLATES), `${local}@${domain}`, { type: "EMAIL", kind: `${local} at ${domain}` });
}
