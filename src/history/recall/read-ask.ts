/** A message that may need what is no longer in the context. */
export interface Ask {
  /** What is searched for: the message, or of a long one its questions. */
  readonly query: string;
  /** What decides whether it is asked at all: the questions, or else the message. */
  readonly question: string;
  /** Nothing but questions. */
  readonly isAllQuestions: boolean;
  /** It says in so many words that something was said before. */
  readonly namesThePast: boolean;
  /** It asks the one it is told to about himself, as small talk does. English only. */
  readonly addressesYou: boolean;
}

/** Of a longer message the beginning and the end are read: that is where people ask. */
const MAX_LENGTH = 4_000;
/** A message up to this length is searched for whole. */
const SHORT = 300;

const SENTENCE_END = /(?<=[.!?؟])\s+|(?<=[。！？])|\n+/u;
/** Spanish and Armenian mark the question before its end, Greek by what is a semicolon elsewhere, Japanese by a word. */
const QUESTION = /[?？؟՞]["'”»)\]]*$|՞|\p{Script=Greek}[;;]$|か[。」]?$/u;
/** Whether a text ends as a question does. */
export const isQuestion = (text: string): boolean => QUESTION.test(text);

const OPENING = /^\s*(?:\[[^\]\n]{1,60}\]\s*)?(?:\p{Lu}[\p{L}\p{M}'’ -]{1,40}:\s)?/gmu;

const SAID = "(?:said|told|mentioned|recommended|suggested|agreed|decided|discussed|talked about|spoke about)";
/** Not any mention of the past: small talk is full of what reminds people of something. English only. */
const PAST = new RegExp(
  [
    "(?:^|[.!?,]\\s+)(?:(?:please|so|but|and|now|then) )?(?:remind me\\b(?! of\\b)|remember (?:when|what|who|where|which|how|that|the|my|our)\\b)",
    "\\b(?:do|don['’]t|can|could) you (?:\\w+ )?(?:remember|recall|remind)\\b",
    `\\b(?:what|which|the|that|those|as) (?:\\w+ ){0,3}(?:you|i|we) (?:\\w+ )?${SAID}\\b`,
    "\\b(?:like|as|from) (?:last time|before)\\b",
    "\\bsame (?:\\w+ ){0,2}as (?:before|last)\\b",
  ].join("|"),
  "im",
);
const YOU = /\b(?:you|your|yours|ya|y['’]all)\b/i;

/** The cheap half of the gate: `undefined` when nothing in the message asks for anything. */
export function readAsk(message: string): Ask | undefined {
  const text = clip(message).replace(OPENING, "").trim();
  const sentences = text.split(SENTENCE_END).filter((sentence) => /[\p{L}\p{N}]/u.test(sentence));
  const questions = sentences.filter((sentence) => isQuestion(sentence.trim()));
  const namesThePast = PAST.test(text);
  if (questions.length === 0 && !namesThePast) return undefined;
  const question = questions.length > 0 ? questions.join(" ") : text;
  return {
    query: text.length <= SHORT ? text : question,
    question,
    isAllQuestions: questions.length === sentences.length,
    namesThePast,
    addressesYou: YOU.test(question),
  };
}

function clip(message: string): string {
  if (message.length <= MAX_LENGTH) return message;
  return `${message.slice(0, MAX_LENGTH / 2)}\n${message.slice(-MAX_LENGTH / 2)}`;
}
