import type { Prompt } from './prompt.ts';

/** Features are numbers below this. */
export const featureCount = 65_536;

/** Kinds of characters. A run of letters or of digits is one token, any other character that is no space is one alone. */
const space = 0;
const letter = 1;
const digit = 2;
const single = 3;

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

/** Of what a feature is made; it keeps equal numbers of different kinds apart. */
const namespaces = {
  word: 0x1b873593,
  repeated: 0x27d4eb2f,
  pair: 0x165667b1,
  skippedPair: 0x2545f491,
  measure: 0x6c078965,
  instructions: 0x7f4a7c15,
  application: 0x1405b7ed,
} as const;

/** What a count of a token must reach to be a feature of its own. */
const isMilestone = (count: number): boolean => count === 2 || count === 4 || count === 8 || count === 16;

/** Steps of a measure for each doubling. */
const stepsPerDoubling = 1.5;
/** Steps of a measure are laid over each other so many times. */
const grids = 3;

const fnvStart = 0x811c9dc5;
const fnvPrime = 0x01000193;

/**
 * The features of a prompt that a learned model weighs, as a set of numbers below `featureCount`, in no order: its words,
 * pairs of words that follow each other at once or with one between, words that come twice, 4, 8 or 16 times, and its
 * measures (length, numbers, lines, signs, capitals, messages, tools, images) in logarithmic steps. What
 * is said before the question counts by its words alone. Pure; the numbers are public hashes, so that words can be guessed
 * from them: what leaves the process is scrambled first.
 */
export function hashFeatures(prompt: Prompt): Uint16Array {
  const { question, instructions } = prompt;
  const set = createFeatureSet();
  const text = measure(question, set);
  scan(instructions, (token) => set.add(namespaces.instructions, token));
  if (instructions !== '') set.add(namespaces.application, hashText(instructions));

  const measures = [
    logarithm(text.words),
    logarithm(text.numbers),
    logarithm(text.lines),
    logarithm(text.sentences),
    2 * logarithm(text.letters / (text.words + 1)),
    8 * (text.digits / text.characters),
    20 * (text.signs / text.characters),
    8 * (text.capitals / text.characters),
    8 * (text.foreign / text.characters),
    logarithm(prompt.messageCount),
    logarithm(prompt.toolCount),
    logarithm(prompt.imageCount),
    logarithm(prompt.totalCharacters / 4) / 2,
  ];
  for (const [index, value] of measures.entries()) {
    // Grids a part of a step apart, so that neighbours share some.
    for (let grid = 0; grid < grids; grid += 1) {
      set.add(namespaces.measure + grids * index + grid, Math.floor(value + grid / grids));
    }
  }
  return set.take();
}

const logarithm = (value: number): number => stepsPerDoubling * Math.log2(1 + value);

interface Measures {
  characters: number;
  words: number;
  letters: number;
  numbers: number;
  digits: number;
  signs: number;
  lines: number;
  sentences: number;
  capitals: number;
  foreign: number;
}

/** Adds the tokens of a text as features, and counts what it is made of. */
function measure(text: string, set: FeatureSet): Measures {
  const measures: Measures = {
    characters: Math.max(1, text.length),
    words: 0,
    letters: 0,
    numbers: 0,
    digits: 0,
    signs: 0,
    lines: 0,
    sentences: 0,
    capitals: 0,
    foreign: 0,
  };
  let before = 0;
  let previous = 0;
  scan(text, (token, kind, length, end) => {
    const count = set.add(namespaces.word, token);
    if (isMilestone(count)) set.add(namespaces.repeated + count, token);
    set.add(namespaces.pair, combine(previous, token));
    set.add(namespaces.skippedPair, combine(before, token));
    before = previous;
    previous = token;
    if (kind === letter) {
      measures.words += 1;
      measures.letters += length;
    } else if (kind === digit) {
      measures.numbers += 1;
      measures.digits += length;
    } else {
      const code = text.charCodeAt(end - 1);
      if (code === 10) measures.lines += 1;
      else measures.signs += 1;
      if (code === 46 || code === 63 || code === 33) measures.sentences += 1;
    }
  });
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 65 && code <= 90) measures.capitals += 1;
    else if (code > 127) measures.foreign += 1;
  }
  return measures;
}

/** Calls back for each token of a text: its hash, kind, length in characters, and where it ends. */
function scan(text: string, onToken: (token: number, kind: number, length: number, end: number) => void): void {
  let hash = fnvStart;
  let kind = space;
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
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
}

/** Of scripts that put no space between words, each character is a token. */
function isIdeograph(code: number): boolean {
  return (code >= 0x3040 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7af);
}

function hashText(text: string): number {
  let hash = fnvStart;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), fnvPrime);
  return hash;
}

const combine = (a: number, b: number): number => Math.imul(a, 31) + Math.imul(b, 0x9e3779b1);

/** The last step of MurmurHash3, https://github.com/aappleby/smhasher: every bit of the input moves every bit. */
function scramble(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

interface FeatureSet {
  /** Returns how often the feature was added, up to 255. */
  add(namespace: number, value: number): number;
  take(): Uint16Array;
}

/** How often each feature is in the set; all 0 between calls. */
const counts = new Uint8Array(featureCount);

function createFeatureSet(): FeatureSet {
  const found: number[] = [];
  return {
    add(namespace, value) {
      const feature = scramble(combine(namespace, value)) & (featureCount - 1);
      const count = counts[feature] as number;
      if (count === 0) found.push(feature);
      if (count < 255) counts[feature] = count + 1;
      return count + 1;
    },
    take() {
      for (const feature of found) counts[feature] = 0;
      return Uint16Array.from(found);
    },
  };
}
