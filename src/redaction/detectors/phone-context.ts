import { wordsAfter, wordsBefore } from "./context-words.ts";

const BEFORE_REACH = 48;
const AFTER_REACH = 16;
const MAX_LABEL_GAP = 3;

const words = (list: string): Set<string> => new Set(list.split(" "));

/** Words that announce a phone number, in the languages that our users write most. */
const ANNOUNCING = words(
  "phone phones tel telephone telefone telefon telefono telefoon téléphone teléfono telefax fax mobile mobiles mob cell cellphone handy " +
    "cellular ph call calls callback called calling phoned phoning dial dialed dialled dialing dialling reach reached reaching " +
    "texting texted sms whatsapp imessage voicemail answering landline pager hotline helpline desk contact " +
    "msisdn gsm telnr mobil mobilfunk mobiltelefon mobilnummer rufnummer telefonnummer handynummer anrufen zurückrufen erreichbar " +
    "erreichen durchwahl telefonen mobilen ringa appeler appelez rappeler rappelez joindre joignable tél numéro móvil movil celular " +
    "llamar llámame llame telemóvel telemovel ligar ligue cellulare cell chiamare chiamami richiamare bellen telefoonnummer mobiel " +
    "puhelin puhelinnumero puh matkapuhelin soita tlf tfn telefonu telefoni telefonas telefoane numer komórka komórkowy telefonszám mobilszám " +
    "sími farsími símanúmer cep hattı điện thoại sđt telepon telp τηλ τηλέφωνο κινητό телефон тел моб мобильный мобільний звоните " +
    "caller callers ruf rufe ruft angerufen anruf appelle appel kontakt contacto contatto contato ansprechpartner zadzwoń dzwoń " +
    "позвоните позвони дзвони directline phoneline officeline homeline workline mainline tollfree " +
    "هاتف جوال موبايل טלפון נייד फोन फ़ोन मोबाइल 전화 연락처 ☎ ☏ 📞 📱 📲",
);
/** Scripts without spaces have no words to compare: these are looked for anywhere in them. */
const ANNOUNCING_INSIDE = ["电话", "電話", "手机", "手機", "携帯", "联系方式", "전화", "โทร", "휴대폰"];
/** Words that say little by themselves: digits in one piece need a better reason. */
const HINTING = words(
  "message messages messaging text ring rang portable signal number numbers nummer numero número numer registered pick picks picking hp",
);
/** An answer is at a number, or is one: `the answer is 10 11 14`. */
const ANSWERED = words("answer answers answered");
/** Words that claim the digits for something else. The nearest word decides. */
const CLAIMING = words(
  "order orders invoice account acct ticket tracking reference ref id ids uuid serial isbn issn sku version build commit port " +
    "zip postal postcode case policy license licence passport flight booking reservation confirmation transaction card iban " +
    "ssn timestamp epoch date amount total price cost balance usd eur gbp bytes size pid sha hash token room model part batch lot " +
    "page chassis vin tax vat routing pin otp code bestellung bestellnummer auftrag auftragsnummer rechnung rechnungsnummer kundennummer " +
    "vertragsnummer artikelnummer sendungsnummer konto kontonummer steuernummer pedido factura cuenta referencia commande facture compte " +
    "référence ordine fattura codice bestelling factuur rekening",
);
/** What a number may belong to that is not a phone: `customer number 467 3395`. */
const NUMBERED = words(
  "customer member membership patient student employee bank security registration house street bus train seat",
);
const OWNERS = words("my your his her their our meine mein unsere mijn onze min mi tu su mio suo");
const NUMBER_WORDS = words("number nummer numero número numer");
/** Verbs that a number may follow at once: `ring 0711 …`. */
const VERBS = words("ring text");
/** Labels that follow the number: `467 3395 (fax)`. */
const LABELS = words("office fax mobile cell phone tel telephone desk landline work home direct");

/** Letters that stand for such a word on a card or in a signature, where a colon or a full stop follows: `M: 079 644 21 34`. */
const INITIALS = words("t m p f c h w");
const PRONOUNS = words("me us him her them you");
const PREPOSITIONS = words("to on at via registered");
/** What a message goes to is not what the message is about: `SMS a code to …`. */
const TARGETS = words("to on at via under unter au");
export type Announcement = "plain" | "hint" | "none";

const SENTENCE_END = /[.,;:!?\n]/;
const VERDICT_REACH = 40;
/** Over a few characters only. */
const INITIAL = /(?:^|[^A-Za-z])[A-Za-z][:.] ?$/;
const INITIAL_REACH = 4;

/** Whether the words right after text[…, end) call it a phone number: `467 3395 (fax)`, `… is my mobile`. */
export function isLabelledPhone(text: string, end: number): boolean {
  const [label] = wordsAfter(text, end, AFTER_REACH);
  if (label === undefined) return false;
  const isNear = text
    .slice(end, end + MAX_LABEL_GAP + label.length)
    .toLowerCase()
    .includes(label);
  return isNear && (LABELS.has(label) || (label === "is" && isAnnouncedIn(sentenceRest(text, end))));
}

function sentenceRest(text: string, end: number): string {
  const rest = text.slice(end, end + VERDICT_REACH);
  const stop = rest.search(SENTENCE_END);
  return stop < 0 ? rest : rest.slice(0, stop);
}

function isAnnouncedIn(sentence: string): boolean {
  return wordsAfter(sentence, 0, VERDICT_REACH).some((word) => ANNOUNCING.has(word) && !CLAIMING.has(word));
}

/** Numbers that are written like phone numbers: an ISBN, an order. The word, or `number` after it, stands right before them. */
const NAMED_OTHERWISE = words(
  "isbn issn ean gtin upc asin order invoice tracking sku serial po rma imei bestellnummer rechnungsnummer",
);

export function isNamedOtherwise(text: string, start: number): boolean {
  const [nearest = "", previous = ""] = wordsBefore(text, start, BEFORE_REACH);
  const isNumber = nearest === "number" || nearest === "no" || nearest === "nr";
  return NAMED_OTHERWISE.has(isNumber ? previous : nearest);
}

/** How plainly the nearest telling word before text[start, …) announces a phone number; a hint is enough for one in groups. */
export function phoneAnnouncement(text: string, start: number): Announcement {
  const before = wordsBefore(text, start, BEFORE_REACH);
  const isTarget = TARGETS.has(before[0] ?? "");
  for (const [index, word] of before.entries()) {
    const previous = before[index + 1] ?? "";
    // Camel case is taken apart: `WhatsApp`, `voiceMail`.
    const isAnnounced = ANNOUNCING.has(word) || ANNOUNCING.has(previous + word);
    if (isAnnounced || ANNOUNCING_INSIDE.some((name) => word.includes(name))) return "plain";
    if (CLAIMING.has(word)) {
      if (isTarget) continue;
      return "none";
    }
    if (index === 0 && VERBS.has(word))
      return /[a-z] $/i.test(text.slice(Math.max(0, start - 2), start)) ? "plain" : "hint";
    if (HINTING.has(word)) return hintBy(before, index);
    if (ANSWERED.has(word) && PREPOSITIONS.has(before[index - 1] ?? "")) return "plain";
    if (index === 0 && INITIALS.has(word) && isInitial(text, start)) return "hint";
  }
  return "none";
}

function isInitial(text: string, start: number): boolean {
  return INITIAL.test(text.slice(Math.max(0, start - INITIAL_REACH), start));
}

/** `text me on 0957801244` and `my number is …` are plain, and so is `messages to …`; `customer number …` is none. */
function hintBy(before: readonly string[], index: number): Announcement {
  const word = before[index] ?? "";
  // `the caller's number`
  const previous = (before[index + 1] === "s" ? before[index + 2] : before[index + 1]) ?? "";
  if (NUMBER_WORDS.has(word)) {
    if (ANNOUNCING.has(previous)) return "plain";
    if (CLAIMING.has(previous) || NUMBERED.has(previous)) return "none";
    return OWNERS.has(previous) ? "plain" : "hint";
  }
  const next = before[index - 1] ?? word;
  return PRONOUNS.has(next) || PREPOSITIONS.has(next) ? "plain" : "hint";
}
