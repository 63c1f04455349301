/** A text that comes in pieces, as the words of a stream do. */
export interface TextPieces {
  add(piece: string): void;
  text(): string;
}

/** A short string weighs several times its characters: so many of them are held at most. */
const MAX_PIECES = 512;

/** Joins the pieces now and then: what is held is the text, and not a word of it is copied more than twice. */
export function createTextPieces(): TextPieces {
  const blocks: string[] = [];
  let pieces: string[] = [];
  return {
    add(piece) {
      pieces.push(piece);
      if (pieces.length < MAX_PIECES) return;
      blocks.push(pieces.join(""));
      pieces = [];
    },
    text: () => blocks.join("") + pieces.join(""),
  };
}
