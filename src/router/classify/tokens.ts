/** Kinds of characters. A run of letters or of digits is one token, any other character that is no space is one alone. */
const space = 0;
export const letter = 1;
export const digit = 2;
export const single = 3;

/** The kind of each character of ISO 8859-1, and the character itself or its lower case. */
const kinds = new Uint8Array(256);
const folded = new Uint8Array(256);
for (let code = 0; code < 256; code += 1) {
  const character = String.fromCharCode(code);
  folded[code] = character.toLowerCase().charCodeAt(0);
  if (/[\p{L}']/u.test(character)) kinds[code] = letter;
  else if (/\d/.test(character)) kinds[code] = digit;
  else if (/\s/.test(character) && character !== '\n') kinds[code] = space;
  else kinds[code] = single;
}

const firstCapital = 'A'.charCodeAt(0);
const lastCapital = 'Z'.charCodeAt(0);

const fnvStart = 0x811c9dc5;
const fnvPrime = 0x01000193;

/**
 * Calls back for each token of a text: its hash (FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv, over characters in lower
 * case), its kind, its length in characters, and where it ends. Returns how many characters are capitals of ASCII, and how
 * many are beyond ASCII.
 */
export function scanTokens(
  text: string,
  onToken: (token: number, kind: number, length: number, end: number) => void,
): { capitals: number; foreign: number } {
  let capitals = 0;
  let foreign = 0;
  let hash = fnvStart;
  let kind = space;
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 127) foreign += 1;
    else if (code <= lastCapital && code >= firstCapital) capitals += 1;
    const nextKind = code < 256 ? (kinds[code] as number) : isIdeograph(code) ? single : letter;
    if (nextKind !== kind || nextKind === single) {
      if (kind !== space) onToken(hash, kind, length, at);
      hash = fnvStart;
      kind = nextKind;
      length = 0;
    }
    if (kind !== space) {
      hash = Math.imul(hash ^ (code < 256 ? (folded[code] as number) : code), fnvPrime);
      length += 1;
    }
  }
  if (kind !== space) onToken(hash, kind, length, text.length);
  return { capitals, foreign };
}

/** Of scripts that put no space between words, each character is a token. */
function isIdeograph(code: number): boolean {
  return (code >= 0x3040 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7af);
}

/** FNV-1a over all characters as they are. */
export function hashText(text: string): number {
  let hash = fnvStart;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), fnvPrime);
  return hash;
}

/** The hash that `scanTokens` gives to a token. */
export const hashToken = (token: string): number => hashText(token.toLowerCase());
