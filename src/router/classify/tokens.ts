/** Kinds of characters. A run of letters or of digits is one token, any other character that is no space is one alone. */
const space = 0;
export const letter = 1;
export const digit = 2;
export const single = 3;

/** The kind of each character of ISO 8859-1, and the character itself or its lower case. */
const kindOf = new Uint8Array(256);
const folded = new Uint8Array(256);
for (let code = 0; code < 256; code += 1) {
  const character = String.fromCharCode(code);
  folded[code] = character.toLowerCase().charCodeAt(0);
  if (/[\p{L}']/u.test(character)) kindOf[code] = letter;
  else if (/\d/.test(character)) kindOf[code] = digit;
  else if (/\s/.test(character) && character !== '\n') kindOf[code] = space;
  else kindOf[code] = single;
}

const firstCapital = 'A'.charCodeAt(0);
const lastCapital = 'Z'.charCodeAt(0);
const spaceCode = ' '.charCodeAt(0);

const fnvStart = 0x811c9dc5;
const fnvPrime = 0x01000193;

/** What a text is made of. The lists have one entry for each token, in its order. */
export interface Tokens {
  /** FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv, over characters in lower case. */
  readonly hashes: readonly number[];
  readonly kinds: readonly number[];
  /** In characters. */
  readonly lengths: readonly number[];
  /** Where in the text the next character stands. */
  readonly ends: readonly number[];
  /** Characters that are capitals of ASCII. */
  readonly capitals: number;
  /** Characters beyond ASCII. */
  readonly foreign: number;
}

/** Pure; linear in the length of the text. */
export function tokenise(text: string): Tokens {
  const hashes: number[] = [];
  const kinds: number[] = [];
  const lengths: number[] = [];
  const ends: number[] = [];
  let capitals = 0;
  let foreign = 0;
  let hash = fnvStart;
  let kind = space;
  let start = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const code = at < text.length ? text.charCodeAt(at) : spaceCode;
    if (code > 127) foreign += 1;
    else if (code <= lastCapital && code >= firstCapital) capitals += 1;
    const nextKind = code < 256 ? (kindOf[code] as number) : standsAlone(code) ? single : letter;
    if (nextKind !== kind || nextKind === single) {
      if (kind !== space) {
        hashes.push(hash);
        kinds.push(kind);
        lengths.push(at - start);
        ends.push(at);
      }
      hash = fnvStart;
      kind = nextKind;
      start = at;
    }
    if (kind !== space) hash = Math.imul(hash ^ (code < 256 ? (folded[code] as number) : code), fnvPrime);
  }
  return { hashes, kinds, lengths, ends, capitals, foreign };
}

/** Of scripts that put no space between words, each character is a token, and so are their signs, full width or not. */
function standsAlone(code: number): boolean {
  return (
    (code >= 0x3000 && code <= 0x9fff) ||
    (code >= 0xac00 && code <= 0xd7af) ||
    (code >= 0xff01 && code <= 0xff0f) ||
    (code >= 0xff1a && code <= 0xff20)
  );
}

/** FNV-1a over all characters as they are. */
export function hashText(text: string): number {
  let hash = fnvStart;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), fnvPrime);
  return hash;
}

/** The hash that `tokenise` gives to a token. */
export const hashToken = (token: string): number => hashText(token.toLowerCase());
