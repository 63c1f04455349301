import type { Random } from "./random.ts";

const HEX = "0123456789abcdef";
const hex = (random: Random, length: number): string =>
  Array.from({ length }, () => HEX.charAt(random.below(16))).join("");
const two = (random: Random, limit: number): string => String(1 + random.below(limit)).padStart(2, "0");
const uuid = (random: Random): string => [8, 4, 4, 4, 12].map((length) => hex(random, length)).join("-");
const ean = (random: Random): string => {
  const body = random.fill("978%########");
  const sum = [...body].reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0);
  return body + String((10 - (sum % 10)) % 10);
};
const day = (random: Random): string => `20${two(random, 30)}-${two(random, 12)}-${two(random, 28)}`;
const clock = (random: Random): string => `${two(random, 23)}:${two(random, 59)}:${two(random, 59)}`;

/** Texts full of digits and marks in which nobody is named. */
const KINDS: Readonly<Record<string, (random: Random) => string>> = {
  "order number": (random) =>
    random.fill(
      random.pick([
        "order ########",
        "Order #112-#######-#######",
        "order no. ##########",
        "Bestellnummer ##########",
        "PO-####-######",
        "invoice 20##-#####",
      ]),
    ),
  "tracking number": (random) =>
    random.fill(
      random.pick([
        "tracking 1Z999AA1##########",
        "tracking number ############",
        "RR#########DE",
        "DHL reference 00340434##########",
        "tracking 9400 1### #### #### #### ##",
      ]),
    ),
  ISBN: (random) =>
    random.pick([
      `ISBN ${ean(random)}`,
      `EAN: ${ean(random)}`,
      random.fill("ISBN 0-####-####-#"),
      random.fill("ISBN 978-%-####-####-#"),
      random.fill("ISSN ####-####"),
    ]),
  timestamp: (random) =>
    random.pick([
      random.fill("17########"),
      random.fill("17###########"),
      `at ${random.fill("17###########")} ms`,
      `${day(random)}T${clock(random)}.${random.digits(3)}Z`,
      `ts=${random.fill("17#################")}`,
      day(random).replaceAll("-", "") + clock(random).replaceAll(":", ""),
    ]),
  date: (random) =>
    random.pick([
      day(random),
      `${two(random, 28)}.${two(random, 12)}.20${two(random, 30)}`,
      `${two(random, 12)}/${two(random, 28)}/${two(random, 30)}`,
      `${day(random)} to ${day(random)}`,
      `due ${two(random, 28)}-${two(random, 12)}-20${two(random, 30)} ${clock(random)}`,
    ]),
  version: (random) =>
    random.pick([
      random.fill("v%.#.##"),
      random.fill("node 2#.%.##-beta.#"),
      random.fill("version 1.2#.###.#"),
      random.fill("Chrome/1##.0.####.###"),
      random.fill("lodash@4.17.##"),
      random.fill("4.#.##+build.####"),
    ]),
  price: (random) =>
    random.fill(
      random.pick([
        "$1,2##,###.##",
        "€ 1#.###,##",
        "total 123456##.##",
        "USD 1,###,###,###",
        "¥1######",
        "costs 49.99 to 1##.99",
        "1 2## 3## EUR",
      ]),
    ),
  coordinates: (random) =>
    random.fill(
      random.pick([
        "5#.######, 13.######",
        "(40.7#####, -74.0#####)",
        "lat=48.######&lng=2.######",
        "-33.#######,151.#######",
        "48°51'##\"N 2°21'##\"E",
      ]),
    ),
  hash: (random) =>
    random.pick([
      hex(random, 32),
      hex(random, 40),
      hex(random, 64),
      `sha256:${hex(random, 64)}`,
      `git show ${hex(random, 7)}`,
      `ETag: "${hex(random, 32)}"`,
      `commit ${hex(random, 40)}`,
      `_id: ${hex(random, 24)}`,
    ]),
  UUID: (random) =>
    random.pick([
      uuid(random),
      `id=${uuid(random)}`,
      `urn:uuid:${uuid(random)}`,
      uuid(random).toUpperCase(),
      `call_${hex(random, 24)}`,
      `trace ${hex(random, 32)} span ${hex(random, 16)}`,
    ]),
  "page range": (random) =>
    random.fill(
      random.pick([
        "pp. 1##-1##",
        "pages 10##-11##",
        "vol. 12, 1#–##",
        "lines 1200-1###",
        "chapters 3-#",
        "1998-2004",
        "§ 5.2.2.##",
      ]),
    ),
  code: (random) =>
    random.fill(
      random.pick([
        "const mask = 0x7fffffff & 0b1010;",
        "x = 3.14159265358979 * 1e-12 + 4294967295",
        "sleep(86400000); // 24 * 60 * 60 * 1000",
        "rgba(255, 255, 255, 0.#)",
        "arr[12][34] = 56 + 78 - 90;",
        "if (n > 2147483648) return -1;",
        "port 8080:80, 127.0.0.1:####",
        "for (let i = 0; i < 1000000; i++)",
        "M12.5 3.75L100 200.25 300.5 12.75Z",
        "@media (min-width: 1024px) and (max-width: 1920px)",
        "user@host:~$ ls",
        'import x from "@scope/pkg";',
        '"^5.1.#": "~1.##.#"',
        "grid 12 34 56 78 90 12 34 56 78 90",
        "0123456789 abcdefghijklmnop",
        "chmod 0755 -R .",
        "UTF-8 / ISO-8859-15 / RFC 7231 / 802.11",
      ]),
    ),
  measures: (random) =>
    random.fill(
      random.pick([
        "1 000 000 rows in 12 345 ms",
        "population 8 4## ###",
        "1920 x 1080 px",
        "12,345,678 bytes",
        "9.81 m/s2 at 1013.25 hPa",
        "scores: 10 20 30 40 50 60",
        "3-0 2-1 4-2",
        "room 1204, floor 12",
        "about 10000000 users",
        "RAM 34359738368",
        "5 000 000 - 6 000 000",
      ]),
    ),
  id: (random) =>
    random.fill(
      random.pick([
        "ticket ########",
        "ref. 20##-########",
        "case no. 3:21-cv-0####",
        "account 00######",
        "SKU 12-345-###",
        "member since 20##, no ########",
        "student id 20######",
        "flight LH 4##, seat 12A",
        "zip 9####-####",
        "PLZ 1####",
        "VIN 1HGCM82633A######",
        "my driver's license number is 2270-66-####",
        "MAC 01-23-45-67-89-AB",
        "AA:BB:CC:DD:EE:##",
        "row 1234567 of 7654321",
        "job 1########## done",
        "user_id=1#########",
        "thread 14#############",
      ]),
    ),
};

export function harmlessSample(random: Random): { readonly kind: string; readonly text: string } {
  const kind = random.pick(Object.keys(KINDS));
  const make = KINDS[kind] ?? (() => "");
  const text = make(random);
  return {
    kind,
    text: random.pick([
      text,
      `so ${text} it is`,
      `see ${text}, please`,
      `{"value": "${text}"}`,
      `- ${text}\n- more`,
      `${text} and ${make(random)}`,
    ]),
  };
}
