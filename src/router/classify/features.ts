import type { Prompt } from './prompt.ts';
import { digit, hashToken, letter, single, tokenise, type Tokens } from './tokens.ts';
import { hashPair, recallWords, type Vocabulary, vocabularyOf } from './vocabulary.ts';

/**
 * What is measured of a prompt, each about 0 to 1, so that weights compare. Order is fixed: weights refer to it by
 * name, logs by index.
 */
export const featureNames = [
  'length',
  'history',
  'sentences',
  'parts',
  'code',
  'symbols',
  'digits',
  'longWords',
  'tools',
  'images',
  'recall',
  'engineering',
  'reasoning',
  'scholarship',
  'breadth',
] as const;
export type FeatureName = (typeof featureNames)[number];
export type Features = Readonly<Record<FeatureName, number>>;

/** Grows from 0 to 1 and reaches one half at `half`. */
const saturate = (value: number, half: number): number => value / (value + half);

/** Measures a prompt. Pure; linear in its length. */
export function extractFeatures(prompt: Prompt, tokens: Tokens = tokenise(prompt.question)): Features {
  const { question } = prompt;
  const counts = countTokens(question, tokens);
  const characters = Math.max(1, question.length);
  const wordCount = Math.max(1, counts.words);
  return {
    length: saturate(wordCount, 60),
    history: saturate(prompt.messageCount - 1, 6),
    sentences: saturate(counts.sentences, 5),
    parts: saturate(counts.parts, 3),
    code: counts.mayBeCode && codePattern.test(question) ? 1 : 0,
    symbols: Math.min(1, (10 * counts.symbols) / characters),
    digits: Math.min(1, (8 * counts.digits) / characters),
    longWords: Math.max(0, Math.min(1, (counts.letters / wordCount - 3.5) / 4)),
    tools: saturate(prompt.toolCount, 2),
    images: prompt.imageCount > 0 || prompt.modalities.some((modality) => modality !== 'text') ? 1 : 0,
    recall: counts.asksToRecall ? 1 : 0,
    engineering: saturate(counts.engineering, 1.5),
    reasoning: saturate(counts.reasoning, 1.5),
    scholarship: saturate(counts.scholarship, 1.5),
    breadth: saturate(counts.breadth, 1.5),
  };
}

interface TokenCounts extends Record<Vocabulary, number> {
  words: number;
  /** In words, their digits included. */
  letters: number;
  digits: number;
  symbols: number;
  sentences: number;
  /** Items of lists, and steps that come one after the other. */
  parts: number;
  /** There is a sign that code has; what comes of it says `codePattern`, which takes longer. */
  mayBeCode: boolean;
  asksToRecall: boolean;
}

const codePattern = /```|^[ \t]{4,}\S|[{};][ \t]*$|=>|\bdef \w+\(|\bselect\b.{1,200}\bfrom\b|<\/?\w{1,40}>/im;
const listItem = /\n[ \t]*(?:[-*•]|\d{1,4}[.)])\s/g;

/** 1 for each of the given characters of ASCII. */
function among(characters: string): Uint8Array {
  const found = new Uint8Array(128);
  for (const character of characters) found[character.charCodeAt(0)] = 1;
  return found;
}
const isSymbol = among('{}()[]<>=+*/\\^_|&%$#@~`');
const isCodeSign = among('`{};=<\n');
const endsSentence = among('.!?');
/** No space follows them. */
const wideSentenceEnds: ReadonlySet<number> = new Set(['。', '！', '？'].map((character) => character.charCodeAt(0)));
const codeWords: ReadonlySet<number> = new Set(['def', 'select'].map(hashToken));
const [hyphen, semicolon, newline] = ['-', ';', '\n'].map((character) => character.charCodeAt(0));
const then = hashToken('then');

/** `next` is the character after it; at the end of the text there is none, which is greater than nothing. */
const isSentenceEnd = (code: number, next: number): boolean =>
  code < 128 ? endsSentence[code] === 1 && !(next > spaceCode) : wideSentenceEnds.has(code);

function countTokens(text: string, { hashes, kinds, lengths, ends }: Tokens): TokenCounts {
  const counts: TokenCounts = {
    words: 0,
    letters: 0,
    digits: 0,
    symbols: 0,
    sentences: 0,
    parts: 0,
    mayBeCode: text.startsWith(' ') || text.startsWith('\t'),
    asksToRecall: false,
    engineering: 0,
    reasoning: 0,
    scholarship: 0,
    breadth: 0,
  };
  let lines = 0;
  let before = 0;
  for (let at = 0; at < hashes.length; at += 1) {
    const token = hashes[at] as number;
    const kind = kinds[at] as number;
    if (kind === single) {
      const end = ends[at] as number;
      const code = text.charCodeAt(end - 1);
      if (code === hyphen) continue;
      if (code === newline) lines += 1;
      else if (code === semicolon) counts.parts += 1;
      else if (isSentenceEnd(code, text.charCodeAt(end))) counts.sentences += 1;
      if (isSymbol[code] === 1) counts.symbols += 1;
      if (isCodeSign[code] === 1) counts.mayBeCode = true;
    } else {
      if (counts.words === 0) counts.asksToRecall = recallWords.has(token);
      counts.words += 1;
      const length = lengths[at] as number;
      counts.letters += length;
      if (kind === digit) counts.digits += length;
      else if (kind === letter) {
        if (token === then) counts.parts += 1;
        if (codeWords.has(token)) counts.mayBeCode = true;
      }
    }
    const vocabulary = vocabularyOf(token) ?? vocabularyOf(hashPair(before, token));
    if (vocabulary !== undefined) counts[vocabulary] += 1;
    before = token;
  }
  if (lines > 0) counts.parts += text.match(listItem)?.length ?? 0;
  return counts;
}

const spaceCode = ' '.charCodeAt(0);
