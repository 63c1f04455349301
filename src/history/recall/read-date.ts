/** A day, or a whole month of one year or of any. Months count from 0. */
export interface AskedDate {
  readonly year: number | undefined;
  readonly month: number;
  readonly day: number | undefined;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH =
  "(?<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\b\\.?";
const DAY = "\\b(?<day>\\d{1,2})(?:st|nd|rd|th)?";
const YEAR = "(?<year>\\d{4})\\b";
/** A month alone stands behind a word that dates: "may" and "march" are words of their own. English, and ISO's form. */
const FORMS = [
  `\\b${YEAR}-(?<month>\\d{2})-(?<day>\\d{2})\\b`,
  `${DAY} (?:of )?${MONTH}(?:,? ${YEAR})?`,
  `\\b${MONTH} ${DAY}\\b(?:,? ${YEAR})?`,
  `\\b${MONTH},? (?:of )?${YEAR}`,
  `\\b(?:in|during|since|until|last|this|early|mid|late) ${MONTH}`,
].map((form) => new RegExp(form, "i"));

/** A date that a text names, if it says the month. */
export function readDate(text: string): AskedDate | undefined {
  const found = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (!found) return undefined;
  const { year, month = "", day } = found;
  return {
    year: year === undefined ? undefined : Number(year),
    month: /\d/.test(month) ? Number(month) - 1 : MONTHS.indexOf(month.slice(0, 3).toLowerCase()),
    day: day === undefined ? undefined : Number(day),
  };
}

const DAY_MS = 86_400_000;
/** People tell of a day in the week that follows it. */
const TOLD_WITHIN_DAYS = 7;
const OF_THE_WEEK_AFTER = 0.5;
const OF_THE_MONTH = 0.3;

/** How well a time, in UTC, is what was asked for: 1 for the very day. */
export function dateWorth({ year, month, day }: AskedDate, at: number): number {
  const said = new Date(at);
  const inYear = year === undefined || said.getUTCFullYear() === year;
  if (day === undefined) return inYear && said.getUTCMonth() === month ? OF_THE_MONTH : 0;
  const daysAfter = Math.floor((at - Date.UTC(year ?? said.getUTCFullYear(), month, day)) / DAY_MS);
  if (daysAfter === 0) return 1;
  return daysAfter > 0 && daysAfter <= TOLD_WITHIN_DAYS ? OF_THE_WEEK_AFTER : 0;
}
