const words =
  `the of and to in that was his he it with is for as had you not be her on at by which have or from this him
but all she they were my are me one their so an said them we who would been will no when there if more out up into do any
your what has man could other than our some very time upon about may its only now little then can made should did us such
great before must two these see know over much down after first mr good men house water morning letter between country
because nothing evening garden perhaps brother window against thought together something journey answer weather`.split(
    /\s+/,
  );

/** Prose-like text of about so many characters; the same seed gives the same text. */
export function plainText(characters: number, seed: number): string {
  let state = seed + 1;
  let text = "";
  while (text.length < characters) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += `${words[(state >>> 8) % words.length]}${state % 17 === 0 ? "." : ""} `;
  }
  return text;
}
