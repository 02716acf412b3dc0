import type { Prompt } from './prompt.ts';

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

/**
 * Small sets of word stems, each one feature. They are evidence among other evidence, never a decision: a learned
 * model over hashed words takes their place behind the same function.
 */
const vocabulary: Readonly<Record<'recall' | 'engineering' | 'reasoning' | 'scholarship' | 'breadth', RegExp>> = {
  recall: /^(?:what|who|when|where|which|is|are|define|translate|spell|name|list|convert)\b/i,
  engineering:
    /\b(?:code|coding|function|bug|debug|compil\w+|stack ?trace|exception|refactor\w*|algorithm\w*|api|sql|query plan|regex|python|javascript|typescript|java|rust|golang|c\+\+|kubernetes|docker|linux|deploy\w*|server|database|index|thread\w*|async|deadlock|http|endpoint|schema|unit tests?|script|class|method|library|git|compiler|kernel|memory leak)\b/gi,
  reasoning:
    /\b(?:prove|proof|derive|derivation|theorem|optimi[sz]e|complexity|trade-?offs?|step by step|why|design|architect\w*|solve|integral|probability|equation|constraint\w*|concurren\w+|invariant|edge cases?)\b/gi,
  scholarship:
    /\b(?:compare|contrast|analy[sz]e|analysis|evaluate|evidence|literature|research|stud(?:y|ies)|survey|review|history|histor\w+|causes?|consequences?|implications?|critique|sources?|cite|citations?|theor(?:y|ies)|hypothes[ie]s|methodolog\w+|impact|economic\w*|political|policy)\b/gi,
  breadth:
    /\b(?:comprehensive\w*|detailed|in depth|in-depth|thorough\w*|essay|report|each of|all of the|multiple|several|include|including|as well as|pros and cons|perspectives?)\b/gi,
};

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;
/** Grows from 0 to 1 and reaches one half at `half`. */
const saturate = (value: number, half: number): number => value / (value + half);

/** Measures a prompt. Pure; linear in its length. */
export function extractFeatures(prompt: Prompt): Features {
  const { question } = prompt;
  const characters = Math.max(1, question.length);
  const words = question.match(/[\p{L}\p{N}']+/gu) ?? [];
  const wordCount = Math.max(1, words.length);
  const letters = words.reduce((sum, word) => sum + word.length, 0);
  return {
    length: saturate(wordCount, 60),
    history: saturate(prompt.messageCount - 1, 6),
    sentences: saturate(count(question, /[.!?。！？](?:\s|$)/g), 5),
    parts: saturate(count(question, /\n[ \t]*(?:[-*•]|\d{1,4}[.)])\s|;|\bthen\b/gi), 3),
    code: /```|^[ \t]{4,}\S|[{};][ \t]*$|=>|\bdef \w+\(|\bselect\b.{1,200}\bfrom\b|<\/?\w{1,40}>/im.test(question)
      ? 1
      : 0,
    symbols: Math.min(1, (10 * count(question, /[{}()[\]<>=+*/\\^_|&%$#@~`]/g)) / characters),
    digits: Math.min(1, (8 * count(question, /\d/g)) / characters),
    longWords: Math.max(0, Math.min(1, (letters / wordCount - 3.5) / 4)),
    tools: saturate(prompt.toolCount, 2),
    images: prompt.imageCount > 0 || prompt.modalities.some((modality) => modality !== 'text') ? 1 : 0,
    recall: vocabulary.recall.test(question.trimStart()) ? 1 : 0,
    engineering: saturate(count(question, vocabulary.engineering), 1.5),
    reasoning: saturate(count(question, vocabulary.reasoning), 1.5),
    scholarship: saturate(count(question, vocabulary.scholarship), 1.5),
    breadth: saturate(count(question, vocabulary.breadth), 1.5),
  };
}
