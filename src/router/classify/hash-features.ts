import type { Prompt } from './prompt.ts';
import { digit, hashText, letter, tokenise, type Tokens } from './tokens.ts';

/** Features are numbers below this. */
export const featureCount = 65_536;
/** What is learned from is logged, and what is logged is paid for by the byte: of a long prompt no more than this. */
export const mostSampled = 192;

/** Of what a feature is made; it keeps equal numbers of different kinds apart. */
const namespaces = {
  word: 0x1b873593,
  repeated: 0x27d4eb2f,
  pair: 0x165667b1,
  skippedPair: 0x2545f491,
  widePair: 0x71c9bf3d,
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

/**
 * The features of a prompt that a learned model weighs, as a set of numbers below `featureCount`, in no order: its words,
 * pairs of words that follow each other at once or with one or two between, words that come twice, 4, 8 or 16 times, and its
 * measures (length, numbers, lines, signs, capitals, messages, tools, images) in logarithmic steps. What is said
 * before the question counts by its words and as a whole. Pure; the numbers are public hashes, so that words can be guessed
 * from them: what leaves the process is scrambled first.
 */
export function hashFeatures(prompt: Prompt, tokens: Tokens = tokenise(prompt.question)): Uint16Array {
  const { question, instructions } = prompt;
  const text = addTokens(question, tokens);
  if (instructions !== '') {
    for (const token of tokenise(instructions).hashes) add(namespaces.instructions, token);
    add(namespaces.application, hashText(instructions));
  }

  addMeasure(0, logarithm(text.words));
  addMeasure(1, logarithm(text.numbers));
  addMeasure(2, logarithm(text.lines));
  addMeasure(3, logarithm(text.sentences));
  addMeasure(4, 2 * logarithm(text.letters / (text.words + 1)));
  addMeasure(5, 8 * (text.digits / text.characters));
  addMeasure(6, 20 * (text.signs / text.characters));
  addMeasure(7, 8 * (text.capitals / text.characters));
  addMeasure(8, 8 * (text.foreign / text.characters));
  addMeasure(9, logarithm(prompt.messageCount));
  addMeasure(10, logarithm(prompt.toolCount));
  addMeasure(11, logarithm(prompt.imageCount));
  addMeasure(12, logarithm(prompt.totalCharacters / 4) / 2);
  return takeFeatures();
}

const logarithm = (value: number): number => stepsPerDoubling * Math.log2(1 + value);

/** Steps of a measure, on grids a part of a step apart, so that neighbours share some. */
function addMeasure(index: number, value: number): void {
  for (let grid = 0; grid < grids; grid += 1) {
    add(namespaces.measure + grids * index + grid, Math.floor(value + grid / grids));
  }
}

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

const sentenceEnds: ReadonlySet<number> = new Set(
  ['.', '?', '!', '。', '！', '？'].map((character) => character.charCodeAt(0)),
);

/** Adds the tokens of a text as features, and counts what it is made of. */
function addTokens(text: string, { hashes, kinds, lengths, ends, capitals, foreign }: Tokens): Measures {
  let words = 0;
  let letters = 0;
  let numbers = 0;
  let digits = 0;
  let signs = 0;
  let lines = 0;
  let sentences = 0;
  let longBefore = 0;
  let before = 0;
  let previous = 0;
  for (let at = 0; at < hashes.length; at += 1) {
    const token = hashes[at] as number;
    const count = add(namespaces.word, token);
    if (isMilestone(count)) add(namespaces.repeated + count, token);
    add(namespaces.pair, combine(previous, token));
    add(namespaces.skippedPair, combine(before, token));
    add(namespaces.widePair, combine(longBefore, token));
    longBefore = before;
    before = previous;
    previous = token;
    if (kinds[at] === letter) {
      words += 1;
      letters += lengths[at] as number;
    } else if (kinds[at] === digit) {
      numbers += 1;
      digits += lengths[at] as number;
    } else {
      const code = text.charCodeAt((ends[at] as number) - 1);
      if (code === 10) lines += 1;
      else signs += 1;
      if (sentenceEnds.has(code)) sentences += 1;
    }
  }
  const characters = Math.max(1, text.length);
  return { characters, words, letters, numbers, digits, signs, lines, sentences, capitals, foreign };
}

const combine = (a: number, b: number): number => Math.imul(a, 31) + Math.imul(b, 0x9e3779b1);

/** The last step of MurmurHash3, https://github.com/aappleby/smhasher: every bit of the input moves every bit. */
function scramble(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** How often each feature of the prompt under way was added, up to 255; all 0 between prompts. */
const counts = new Uint8Array(featureCount);
/** The features of the prompt under way, each once. */
const found = new Uint16Array(featureCount);
let foundCount = 0;

/** Returns how often the feature was added, up to 255. */
function add(namespace: number, value: number): number {
  const feature = scramble(combine(namespace, value)) & (featureCount - 1);
  const count = counts[feature] as number;
  if (count === 0) {
    found[foundCount] = feature;
    foundCount += 1;
  }
  if (count < 255) counts[feature] = count + 1;
  return count + 1;
}

function takeFeatures(): Uint16Array {
  const features = found.slice(0, foundCount);
  for (const feature of features) counts[feature] = 0;
  foundCount = 0;
  return features;
}

/** Features are counted by their upper eight bits. */
const bucketBits = 8;
const buckets = new Uint16Array(featureCount >>> bucketBits);

/**
 * The part of a prompt's features that is logged, learned from, and looked at by what was learned: all of them, or the smallest
 * numbers, as many as are no more than `mostSampled`. Numbers are hashes, so that this is a random choice, and the same in all
 * prompts. Pure.
 */
export function sampleOf(features: Uint16Array): Uint16Array {
  if (features.length <= mostSampled) return features;
  buckets.fill(0);
  for (const feature of features) buckets[feature >>> bucketBits] = (buckets[feature >>> bucketBits] as number) + 1;
  let bucket = 0;
  let count = 0;
  while (count + (buckets[bucket] as number) <= mostSampled) {
    count += buckets[bucket] as number;
    bucket += 1;
  }
  const sample = new Uint16Array(count);
  let at = 0;
  for (const feature of features) {
    if (feature >>> bucketBits >= bucket) continue;
    sample[at] = feature;
    at += 1;
  }
  return sample;
}
