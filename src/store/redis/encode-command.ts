/** In one word: text, and bytes right behind it. */
type PrefixedBytes = [text: string, bytes: Buffer];

export type Word = string | number | Buffer | PrefixedBytes;

/** A command in Redis' protocol, its name first; one string if there are no bytes in it. */
export function encodeCommand(name: string, words: readonly Word[]): string | Buffer {
  let text = `*${words.length + 1}\r\n$${name.length}\r\n${name}\r\n`;
  const pieces: (string | Buffer)[] = [];
  let length = 0;
  for (const word of words) {
    if (typeof word === "object") {
      const [prefix, bytes] = Buffer.isBuffer(word) ? ["", word] : word;
      text += `$${Buffer.byteLength(prefix) + bytes.length}\r\n${prefix}`;
      length += Buffer.byteLength(text) + bytes.length;
      pieces.push(text, bytes);
      text = "\r\n";
    } else {
      text += `$${Buffer.byteLength(`${word}`)}\r\n${word}\r\n`;
    }
  }
  if (pieces.length === 0) return text;
  pieces.push(text);
  return join(pieces, length + Buffer.byteLength(text));
}

function join(pieces: readonly (string | Buffer)[], length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let end = 0;
  for (const piece of pieces) {
    if (typeof piece === "string") end += bytes.write(piece, end);
    else {
      bytes.set(piece, end);
      end += piece.length;
    }
  }
  return bytes;
}
