/** The remainder that IBANs are checked by, letters counting from 10. */
export function modulo97(characters: string): number {
  const digits = [...characters].map((character) => String(Number.parseInt(character, 36))).join("");
  return [...digits].reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0);
}
