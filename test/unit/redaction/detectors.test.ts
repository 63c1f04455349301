import { describe, expect, it } from "vitest";

import { shape } from "./redaction-probe.ts";

/** A text, and what is stored of it; a text without a second part is stored as it is. */
type Row = readonly [text: string, stored?: string];

const ROWS: Record<string, readonly Row[]> = {
  "e-mail": [
    ["write to jane.doe+tag@mail.example.co.uk now", "write to [EMAIL] now"],
    ["<o'brien@example.com>, and (x_y@example.org).", "<[EMAIL]>, and ([EMAIL])."],
    ["mailto:jane@example.com?subject=hi", "mailto:[EMAIL]?subject=hi"],
    ["a1@b.io;b2@c.dev", "[EMAIL];[EMAIL]"],
    ["我的邮箱是jane@example.com请联系", "我的邮箱是[EMAIL]请联系"],
    ["пиши на иван@почта.рф сегодня", "пиши на [EMAIL] сегодня"],
    ["josé@exämple.de", "[EMAIL]"],
    ["@mention, price @ 5, user@localhost, icon@2x.png, git@github.com:owner/name.git, lodash@4.17.21"],
    ["an @ alone, a@b, a@b.c, a@.com, @example.com"],
  ],
  phone: [
    ["+1 (202) 555-0143 or +44 7700 900123", "[PHONE] or [PHONE]"],
    ["555-123-4567", "[PHONE]"],
    ["(415) 555-0132 x4587.", "[PHONE]."],
    ["1-800-555-0199 and 415.555.0132", "[PHONE] and [PHONE]"],
    ["01.84.17.61.18, 0490 75 40 81, 0171/2345678", "[PHONE], [PHONE], [PHONE]"],
    ["+46 (0)8 928 571 38", "[PHONE]"],
    ["call me on 467 3395", "call me on [PHONE]"],
    ['{"phoneNumber":"07700900123"}', '{"phoneNumber":"[PHONE]"}'],
    ["my number is 5403926876", "my number is [PHONE]"],
    [
      "nobody answers at 374 780 163, nor did they answer on 467 3395",
      "nobody answers at [PHONE], nor did they answer on [PHONE]",
    ],
    ["answer 10 11 14, so the answers are 12 34 56 78 and 374 780 163"],
    ["416 60 039 (office)", "[PHONE] (office)"],
    ["我的电话13812345678", "我的电话[PHONE]"],
    ["leave a message on 467 3395, the number is 467 3395", "leave a message on [PHONE], the number is [PHONE]"],
    ["a message 4673395, the number is 4673395, customer number 467 3395, text: 20241231"],
    ["order 467 3395, ticket 5551234567, call about order 46733951"],
    ["call me on 2024-01-15, call me on 15.01.2024"],
    ["2024-01-15 10:30, 01/15/2024, 15.01.2024, 2024-01-15 2025-02-16"],
    ["1,234,567.89 and 3.1415926535 and $5551234 and 12 345 678 people"],
    ["version 10.4.0, 1732435200000, id 9007199254740993, 01-23-45-67-89-ab"],
    ["100-200-300-4000 and 12345-678"],
  ],
  SSN: [
    ["ssn 123-45-6789", "ssn [SSN]"],
    ["123 45 6789, 123.45.6789", "[SSN], [SSN]"],
    ["my social security number is 123456789", "my social security number is [SSN]"],
    ["000-12-3456, 666-12-3456, 900-12-3456, 123-00-4567, 123-45-0000"],
    ["order 123456789, 1123-45-6789, 123-45-67890, 123-456-789"],
  ],
  card: [
    ["4111111111111111", "[CARD]"],
    ["id 58d4154a-6179-4775-9586-433c0a1b2c3d", "id 58d4154a-6179-4775-9586-433c0a1b2c3d"],
    ["cards 6179-4775-9586 and 6179 4775 9586", "cards [CARD] and [CARD]"],
    ["4111 1111 1111 1111, 3782-822463-10005, 6011.1111.1111.1117", "[CARD], [CARD], [CARD]"],
    ["4222222222222 675984103431 6304000000000000001", "[CARD] [CARD] 6304000000000000001"],
    ["pay with 5555 5555 5555 4444 12/27 123", "pay with [CARD] 12/27 123"],
    [
      "card9792000000000003x is not one, Karte 9792000000000003 is",
      "card9792000000000003x is not one, Karte [CARD] is",
    ],
    ["4111111111111112, 0000000000000000, 41111111111111111111111"],
    ["0.4111111111111111, a4111111111111111f, 1732435200000, 1234567812345670"],
  ],
  IBAN: [
    ["DE89370400440532013000", "[IBAN]"],
    ["GB82 WEST 1234 5698 7654 32 and more words", "[IBAN] and more words"],
    ["gb82west12345698765432", "[IBAN]"],
    ["NO93-8601-1117-947.", "[IBAN]."],
    ["DE89370400440532013001, DE8937040044053201300, XX89370400440532013000"],
  ],
  IP: [
    ["86.121.97.248:8080 and 2001:db8::8a2e:370:7334/64", "[IP]:8080 and [IP]/64"],
    ["http://41.173.96.26/x", "http://[IP]/x"],
    ["::ffff:41.173.96.26", "::ffff:[IP]"],
    ["10.1.2.3 192.168.1.1 172.16.0.1 127.0.0.1 169.254.1.1 100.64.0.1 0.0.0.0 255.255.255.0 224.0.0.1"],
    ["::1 fe80::1 fd00::1 ff02::1 10:30:45 std::string 1.2.3.4.5 256.1.1.1 v1.20.3.4"],
    ["// 4.2.5.1 of the specification is a section, as is §5.2.2.10"],
  ],
};

describe.each(Object.entries(ROWS))("%s", (_, rows) => {
  it.each(rows.map(([text, stored = text]) => [text, stored] as const))("%s", async (text, stored) => {
    expect(await shape(text)).toBe(stored);
  });
});
