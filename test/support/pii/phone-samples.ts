import { type CountryCode, getCountries, getExampleNumber } from "libphonenumber-js/max";
import examples from "libphonenumber-js/mobile/examples";

import type { Random } from "./random.ts";
import { placed, type Sample } from "./sample.ts";

/** How people of a country write their numbers at home. `#` is a digit, `%` one from 2 to 9. */
const HOME: Readonly<Record<string, readonly string[]>> = {
  AR: ["011 4###-####", "(011) 15-####-####", "0341 4##-####"],
  AT: ["06## ### ## ##", "0660/#######", "01/### ## ##", "0512 ## ## ##"],
  AU: ["(0%) #### ####", "04## ### ###", "0% #### ####", "1300 ### ###"],
  BE: ["04## ## ## ##", "0%# ## ## ##", "02/### ## ##", "0475/##.##.##"],
  BG: ["02 ### ####", "088 ### ####"],
  BR: ["(%%) ####-####", "(%%) 9####-####", "%% 9#### ####"],
  CA: ["%##-%##-####", "(%##) %##-####", "%##.%##.####"],
  CH: ["0## ### ## ##", "079 ### ## ##", "044/### ## ##"],
  CL: ["2 %### ####", "9 #### ####"],
  CN: ["138 #### ####", "010-########", "0755-########"],
  CY: ["99 ######", "22 ######", "99 ###-###"],
  CZ: ["### ### ###", "%## ### ###"],
  DE: [
    "0%## %######",
    "0%##/%######",
    "(0%##) %### ###",
    "0%## / %## ## ##",
    "0171-#######",
    "030 ########",
    "0### ## ## ##",
  ],
  DK: ["%# ## ## ##", "%#-##-##-##", "%#######", "%### ####"],
  EE: ["5## ####", "6## ####"],
  EG: ["010 #### ####", "02 2### ####"],
  ES: ["6## ### ###", "6## ## ## ##", "91 ### ## ##", "9## ######"],
  FI: ["040 ### ####", "050 ### ## ##", "09 ### ####", "040-#######"],
  FR: ["0% ## ## ## ##", "0%.##.##.##.##", "06-##-##-##-##", "0%########"],
  GB: ["07### ######", "07### ### ###", "020 7### ####", "(01##%) ######", "0161 ### ####", "07# #### ####"],
  GL: ["%# ## ##"],
  GR: ["210 ### ####", "69# ### ####", "2310 ######"],
  HR: ["091 ### ####", "01/####-###", "098/###-###"],
  HU: ["(%%) ###-###", "06 30 ### ####", "06-20-###-####", "(06 1) ### ####"],
  IE: ["01 ### ####", "087 ### ####", "(087) ###-####"],
  IL: ["050-#######", "03-###-####", "054-###-####"],
  IN: ["98### #####", "98########", "022 2### ####", "080-########"],
  IS: ["### ####", "%##-####"],
  IT: ["03## #######", "06 ########", "347 ### ####", "347 #######", "02/#######"],
  JP: ["03-####-####", "090-####-####", "080 #### ####", "(03) ####-####"],
  KR: ["010-####-####", "02-###-####", "02-####-####"],
  LT: ["8 6## #####", "(8-5) ### ####"],
  LV: ["2# ### ###"],
  MX: ["55 #### ####", "(55) #### ####", "33 #### ####", "664 ### ####"],
  MY: ["01%-### ####", "03-#### ####"],
  NL: ["06-########", "06 ## ## ## ##", "020-#######", "(0%#) ### ## ##", "0% ########"],
  NO: ["9## ## ###", "%# ## ## ##", "4## ## ###"],
  NZ: ["(0%) ###-####", "021 ### ####", "(02#) ####-###", "09 ### ####"],
  PL: ["%## ### ###", "%# ### ## ##", "(%#) ### ## ##", "6##-###-###"],
  PT: ["9## ### ###", "21 ### ####", "21 ### ### ####"],
  RO: ["07## ### ###", "021 ### ## ##", "0721.###.###"],
  RU: ["8 (495) ###-##-##", "8 9## ### ## ##", "8-9##-###-##-##", "(812) ###-##-##"],
  SE: ["070-### ## ##", "08-### ### ##", "0%##-#######", "08 ### ## ##"],
  SG: ["9### ####", "6### ####", "8###-####"],
  SI: ["0%# ### ###", "0%#-###-###", "01 ### ## ##"],
  SK: ["09## ### ###", "02/#### ####"],
  TH: ["08#-###-####", "02 ### ####"],
  TN: ["%# ### ###"],
  TR: ["0532 ### ## ##", "(0212) ### ## ##", "0 532 ### ## ##"],
  UA: ["050 ### ## ##", "(044) ###-##-##"],
  US: [
    "%##-%##-####",
    "(%##) %##-####",
    "(%##)%##-####",
    "%##.%##.####",
    "%## %## ####",
    "%##%######",
    "1-%##-%##-####",
    "%##-####",
    "1 (%##) %##-####",
  ],
  UY: ["09# ### ###"],
  VN: ["09## ### ###", "024 #### ####"],
  ZA: ["08% ### ####", "0%# ### ####", "(0%#) ### ####"],
};
const AWAY = [
  "+1 %## %## ####",
  "+1-%##-%##-####",
  "+1.%##.%##.####",
  "+1 (%##) %##-####",
  "+1%##%######",
  "001-%##-%##-####",
  "001 %## %## ####",
  "+44 7### ######",
  "+447### ### ###",
  "+44 (0)20 7### ####",
  "0044 7### ######",
  "+49 (0)%## %######",
  "+49 %## %###-##",
  "+49/%##/%######",
  "+33 % ## ## ## ##",
  "+33 (0)% ## ## ## ##",
  "0033 6 ## ## ## ##",
  "+46 (0)8 ### ### ##",
  "+46 (0)%## ### ##",
  "+41 (0)%# ### ## ##",
  "(+41) 79 ### ## ##",
  "+31 6 ########",
  "+31-6-########",
  "+39 3## #######",
  "+34 6## ### ###",
  "+91-98###-#####",
  "+91 98########",
  "+81 90-####-####",
  "+86 138 #### ####",
  "+55 11 9####-####",
  "+52 55 #### ####",
  "+61 4## ### ###",
  "+7 (9##) ###-##-##",
  "+972-54-###-####",
  "+971 50 ### ####",
  "+65 9### ####",
  "+353 87 ### ####",
  "+48 %## ### ###",
  "+420 %## ### ###",
  "+358 40 ### ####",
  "+47 9## ## ###",
  "+45 %# ## ## ##",
  "+32 4## ## ## ##",
  "+351 9## ### ###",
  "+90 532 ### ## ##",
  "+380 50 ### ## ##",
  "+30 69# ### ####",
  "+36 30 ### ####",
  "+40 7## ### ###",
  "+27 8% ### ####",
  "+234 80# ### ####",
  "+254 7## ######",
  "+20 10 #### ####",
  "+ 44 7### ######",
  "00 49 %## %######",
  "011 44 20 7### ####",
  "011-33-6-##-##-##-##",
] as const;
const EXTENSIONS = [
  "x###",
  " x##",
  " ext. ###",
  " ext ####",
  " extension ##",
  ", ext. ###",
  " x.###",
  " ext:##",
  " (ext. ##)",
  " Ext ###",
];

const ANNOUNCED = [
  "Phone: {}",
  "phone number {}",
  "Tel.: {}",
  "Tel {}",
  "Telephone: {}\nE-mail: none",
  "call me at {}",
  "Can you call me back on {} after six?",
  "my number is {}",
  "Please ring me on {}.",
  "You can reach me at {} any time",
  "They do not pick up at {}",
  "text me on {} please",
  "My mobile is {}",
  "mobile {} or mail",
  "Cell: {}",
  "Fax: {}",
  "Fax {}",
  "WhatsApp: {}",
  "the hotline {} is busy",
  "contact number: {}",
  "Contact: Jane, {}",
  "Handy: {}",
  "Telefon: {}",
  "Tel. privat: {}",
  "Mobil {}",
  "Téléphone : {}",
  "Teléfono: {}",
  "Telefono {}",
  "Telefoon: {}",
  "Telefone: {}",
  "Numer telefonu: {}",
  "тел. {}",
  "Puh. {}",
  "電話：{}",
  "手机号：{}",
  "☎ {}",
  "📞 {}",
  '{"phone":"{}"}',
  '{"phoneNumber": "{}", "id": 7}',
  '{"contact":{"mobile":"{}"}}',
  "phone={}&lang=en",
  "customer_phone: {}",
  "msisdn={} status=ok",
  "TEL;TYPE=CELL:{}",
  "name;city;phone\nJane;Oslo;{}",
  "- phone: '{}'",
  "<phone>{}</phone>",
  "| Phone | {} |",
  "{} is my phone number",
  "{} (mobile)",
  "{} - Fax",
  "{} office",
  "{} mobile",
  "{} is the number to call",
  "Sorry, wrong person. The right number to dial is {}",
  "send an SMS to {}",
  "I would like to stop getting messages on {}",
  "it rang: {} called twice",
  "Emergency contact phone (mother): {}",
  "work phone\t{}",
  "Home phone: {}",
  "my new phone no. is {}",
  "Phone no {}",
  "T: {}",
  "M: {}",
  "Mob: {}",
  "Mob. {}",
  "Ph: {}",
  "F: {}\nE: none",
  "leave a voicemail at {}",
  "my husband's cell is {}",
  "you have my old number, the new one is {}",
  "give us a call: {}",
  "the number I am registered with is {}",
  "dial {} and press 2",
] as const;
const PLAIN = [
  "{}",
  "so {} it is",
  "Jane Doe, {}, Berlin",
  "ok. {} thanks!",
  "jane,{},42",
  "try {} or the office",
  "[{}]",
  '"{}"',
  "({})",
  "From Jane\n{}\nBerlin",
  "<{}>",
  "tel:{}",
  "a: {}; b: none",
  "{}, then wait",
] as const;

export function phoneSample(random: Random): Sample {
  const roll = random.below(10);
  if (roll < 5) return homeSample(random);
  if (roll < 8) return awaySample(random);
  return exampleSample(random);
}

function homeSample(random: Random): Sample {
  const kind = random.pick(Object.keys(HOME));
  const value = random.fill(random.pick(HOME[kind] ?? []));
  return placed(random.pick(ANNOUNCED), withExtension(value, random), { type: "PHONE", kind: `${kind} at home` });
}

function awaySample(random: Random): Sample {
  const pattern = random.pick(AWAY);
  const value = random.fill(pattern);
  const template = random.below(2) === 0 ? random.pick(PLAIN) : random.pick(ANNOUNCED);
  return placed(template, withExtension(value, random), { type: "PHONE", kind: pattern });
}

function withExtension(value: string, random: Random): string {
  return random.below(8) === 0 ? value + random.fill(random.pick(EXTENSIONS)) : value;
}

/** The example number of every country that the library knows, in every way that it writes it. */
function exampleSample(random: Random): Sample {
  const country: CountryCode = random.pick(getCountries());
  const number = getExampleNumber(country, examples);
  if (number === undefined || number.nationalNumber.length < 7) return awaySample(random);
  const international = number.formatInternational();
  const about = { type: "PHONE", kind: `${country} example` } as const;
  const away = [
    international,
    number.number,
    international.replaceAll(" ", "-"),
    international.replaceAll(" ", "."),
    international.replace("+", "00"),
  ];
  if (random.below(2) === 0) return placed(random.pick(PLAIN), random.pick(away), about);
  const national = number.formatNational();
  const home = [national, national.replaceAll(" ", "-"), national.replaceAll(" ", "."), national.replaceAll(/\D/g, "")];
  return placed(random.pick(ANNOUNCED), random.pick(home), about);
}
