import { wordsAfter, wordsBefore } from "./context-words.ts";

const BEFORE_REACH = 48;
const AFTER_REACH = 16;

const words = (list: string): Set<string> => new Set(list.split(" "));

/** Words that announce a phone number, in the languages that our users write most. */
const ANNOUNCING = words(
  "phone phones tel telephone telefone telefon telefono telefoon téléphone teléfono telefax fax mobile mobiles cell cellphone " +
    "cellular call calls callback called calling dial ring reach text texting texted sms whatsapp signal imessage voicemail " +
    "message messages answering landline pager hotline helpline desk contact msisdn gsm " +
    "handy mobil mobilfunk mobiltelefon rufnummer telefonnummer handynummer anrufen durchwahl " +
    "portable appeler appelez joindre numéro móvil movil celular llamar llámame llame " +
    "cellulare chiamare chiamami bellen telefoonnummer puhelin puhelinnumero tlf tfn telefonu numer komórka " +
    "телефон тел моб мобильный звоните هاتف جوال फोन फ़ोन मोबाइल 전화 연락처",
);
/** Scripts without spaces have no words to compare: these are looked for anywhere in them. */
const ANNOUNCING_INSIDE = ["电话", "電話", "手机", "手機", "携帯", "전화", "โทร"];
/** Words that claim the digits for something else. The nearest word decides. */
const CLAIMING = words(
  "order orders invoice account acct ticket tracking reference ref id ids uuid serial isbn issn sku version build commit port " +
    "zip postal postcode case policy license licence passport flight booking reservation confirmation transaction card iban " +
    "ssn timestamp epoch date amount total price cost balance usd eur gbp bytes size pid sha hash token",
);
const OWNERS = words("my your his her their our");
/** Labels that follow the number: `467 3395 (fax)`. */
const LABELS = words("office fax mobile cell phone tel telephone desk landline work home direct");

/** Whether the word that follows text[…, end) calls it a phone number. */
export function isLabelledPhone(text: string, end: number): boolean {
  const [label] = wordsAfter(text, end, AFTER_REACH);
  return label !== undefined && LABELS.has(label);
}

/** Whether the nearest telling word before text[start, …) announces a phone number. */
export function isAnnouncedPhone(text: string, start: number): boolean {
  const before = wordsBefore(text, start, BEFORE_REACH);
  for (const [index, word] of before.entries()) {
    if (CLAIMING.has(word)) return false;
    if (ANNOUNCING.has(word) || ANNOUNCING_INSIDE.some((name) => word.includes(name))) return true;
    if (word === "number" && OWNERS.has(before[index + 1] ?? "")) return true;
  }
  return false;
}
