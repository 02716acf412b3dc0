import { hashToken } from './tokens.ts';

/**
 * Small sets of words and of pairs of words, each set one feature. They are evidence among other evidence, never a decision:
 * which model does well on what is learned from hashed words.
 */
export const vocabularies = ['engineering', 'reasoning', 'scholarship', 'breadth'] as const;
export type Vocabulary = (typeof vocabularies)[number];

const words: Readonly<Record<Vocabulary, string>> = {
  engineering: `code coding function bug debug compile compiles compiled compiling compiler compilers compilation exception
    refactor refactors refactored refactoring algorithm algorithms algorithmic api sql regex python javascript typescript java
    rust golang cpp kubernetes docker linux deploy deploys deployed deploying deployment deployments server database index
    thread threads threaded threading async deadlock http endpoint schema script class method library git kernel`,
  reasoning: `prove proof derive derivation theorem optimize optimise complexity tradeoff tradeoffs why design architect
    architects architecture architectures architectural solve integral probability equation constraint constraints concurrent
    concurrently concurrency invariant`,
  scholarship: `compare contrast analyze analyse analysis evaluate evidence literature research study studies survey review
    history historic historical historically historian historians cause causes consequence consequences implication
    implications critique source sources cite citation citations theory theories hypothesis hypotheses methodology
    methodologies methodological impact economic economics economical economically political policy`,
  breadth: `comprehensive comprehensively detailed thorough thoroughly essay report multiple several include including
    perspective perspectives`,
};

/** Two tokens in a row; a hyphen between them does not count. */
const pairs: Readonly<Record<Vocabulary, readonly string[]>> = {
  engineering: ['stack trace', 'query plan', 'c +', 'unit test', 'unit tests', 'memory leak'],
  reasoning: ['trade off', 'trade offs', 'step by', 'edge case', 'edge cases'],
  scholarship: [],
  breadth: ['in depth', 'each of', 'all of', 'as well', 'pros and'],
};

const firstWords = 'what who when where which is are define translate spell name list convert';

export const hashPair = (before: number, token: number): number => Math.imul(before, 31) ^ token;

const byHash: ReadonlyMap<number, Vocabulary> = new Map(
  vocabularies.flatMap((name) => [
    ...split(words[name]).map((word) => [hashToken(word), name] as const),
    ...pairs[name].map((pair) => {
      const [before = '', token = ''] = split(pair);
      return [hashPair(hashToken(before), hashToken(token)), name] as const;
    }),
  ]),
);

/** 1 for the last bits of every hash in the map: most tokens are in none, which is seen here at once. */
const mayBeIn = new Uint8Array(8192);
for (const hash of byHash.keys()) mayBeIn[hash & (mayBeIn.length - 1)] = 1;

/** The vocabulary that a token, or a pair of tokens, belongs to, by its hash. */
export function vocabularyOf(hash: number): Vocabulary | undefined {
  return mayBeIn[hash & (mayBeIn.length - 1)] === 1 ? byHash.get(hash) : undefined;
}

/** How questions begin that ask for something known. */
export const recallWords: ReadonlySet<number> = new Set(split(firstWords).map(hashToken));

function split(list: string): string[] {
  return list.trim().split(/\s+/);
}
