/** Repeated to any length, each makes some part of a detector start over and over again. */
export const HOSTILE_SHAPES: readonly string[] = (
  "a│1│@│.│-│ │\n│+│(│:│=│_│/│,│ey│A│a.│a@│@a│a.a@│1-│1 │1.│1\n│12 34 │+1 │(1) │1/2/│555 1234 │0171 2345678 │call 1 │1x│1 ext│" +
  "sk-│ghp_│MTaaaaaaaaaaaaaaaaaaaaaaaa.│0123456789abcdef0123456789abcdef-│eyJ-│ey.│eyJabcdefghijklm.│bearer a│AKIA│SG.│Q~│1:A│://a:b│://│-----BEGIN │-----BEGIN PRIVATE KEY-----│password=│a=a│" +
  "token: a1│.atlasv1.│DE89│DE89 │DE8937040044053201300│2001:│1.1.1.│255.255.255.255.│2a:│2001:d\n│1\n.│[at]│( dot )│\\u0040│%40│&#64;│а1│4111 │4111111111111111│4 │123-45-│" +
  "123-45-6789│jane@exa\n│\n@a.com│a\n@"
).split("│");

export const repeated = (unit: string, length: number): string => unit.repeat(Math.ceil(length / unit.length));
