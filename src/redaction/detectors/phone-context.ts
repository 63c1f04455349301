import { wordsAfter, wordsBefore } from "./context-words.ts";

const BEFORE_REACH = 48;
const AFTER_REACH = 16;
const MAX_LABEL_GAP = 3;

const words = (list: string): Set<string> => new Set(list.split(" "));

/** Words that announce a phone number, in the languages that our users write most. */
const ANNOUNCING = words(
  "phone phones tel telephone telefone telefon telefono telefoon téléphone teléfono telefax fax mobile mobiles cell cellphone " +
    "cellular ph call calls callback called calling phoned phoning dial dialed dialled dialing dialling reach reached reaching " +
    "texting texted sms whatsapp imessage voicemail answer answers answered answering landline pager hotline helpline desk contact " +
    "msisdn gsm mobil mobilfunk mobiltelefon rufnummer telefonnummer handynummer anrufen durchwahl " +
    "appeler appelez joindre numéro móvil movil celular llamar llámame llame " +
    "cellulare chiamare chiamami bellen telefoonnummer puhelin puhelinnumero tlf tfn telefonu numer komórka " +
    "телефон тел моб мобильный звоните هاتف جوال फोन फ़ोन मोबाइल 전화 연락처",
);
/** Scripts without spaces have no words to compare: these are looked for anywhere in them. */
const ANNOUNCING_INSIDE = ["电话", "電話", "手机", "手機", "携帯", "전화", "โทร"];
/** Words that say little by themselves: digits in one piece need a better reason. */
const HINTING = words("message messages messaging text ring rang handy portable signal number numbers registered");
/** Words that claim the digits for something else. The nearest word decides. */
const CLAIMING = words(
  "order orders invoice account acct ticket tracking reference ref id ids uuid serial isbn issn sku version build commit port " +
    "zip postal postcode case policy license licence passport flight booking reservation confirmation transaction card iban " +
    "ssn timestamp epoch date amount total price cost balance usd eur gbp bytes size pid sha hash token room model part batch lot " +
    "page chassis vin tax vat routing pin otp code",
);
/** What a number may belong to that is not a phone: `customer number 467 3395`. */
const NUMBERED = words(
  "customer member membership patient student employee bank security registration house street bus train seat",
);
const OWNERS = words("my your his her their our");
/** Labels that follow the number: `467 3395 (fax)`. */
const LABELS = words("office fax mobile cell phone tel telephone desk landline work home direct");

/** Whether the word right after text[…, end) calls it a phone number. */
export function isLabelledPhone(text: string, end: number): boolean {
  const [label] = wordsAfter(text, end, AFTER_REACH);
  return (
    label !== undefined &&
    LABELS.has(label) &&
    text
      .slice(end, end + MAX_LABEL_GAP + label.length)
      .toLowerCase()
      .includes(label)
  );
}

/** How plainly the nearest telling word before text[start, …) announces a phone number. */
export function phoneAnnouncement(text: string, start: number): "plain" | "hint" | "none" {
  const before = wordsBefore(text, start, BEFORE_REACH);
  for (const [index, word] of before.entries()) {
    if (CLAIMING.has(word)) return "none";
    if (ANNOUNCING.has(word) || ANNOUNCING_INSIDE.some((name) => word.includes(name))) return "plain";
    if (HINTING.has(word)) return hintBy(word, before[index + 1] ?? "");
  }
  return "none";
}

function hintBy(word: string, previous: string): "plain" | "hint" | "none" {
  if (word !== "number" || ANNOUNCING.has(previous)) return ANNOUNCING.has(previous) ? "plain" : "hint";
  if (CLAIMING.has(previous) || NUMBERED.has(previous)) return "none";
  return OWNERS.has(previous) ? "plain" : "hint";
}
