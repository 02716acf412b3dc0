import type { Random } from '../../statistics/random.ts';
import { findDemoPrompt } from '../demo-prompts.ts';
import type { ModelProfile } from '../profile.ts';
import { countTokens } from './tokens.ts';

/** Sentences without facts, so that none of them makes an answer right or wrong by accident. */
const sentences = [
  'It helps to begin with what is given and to keep apart what is asked.',
  'Each step follows from the one before, so a mistake early on would show at the end.',
  'The usual objection is that the premises are too narrow, but they hold here.',
  'A quick check with an independent method leads to the same conclusion.',
  'In practice the details depend on the setting, and it pays to measure before changing anything.',
  'The main trade-off is between simplicity and control.',
  'There are exceptions, though they rarely matter for a case like this.',
  'Put differently, the general rule applies and no special treatment is needed.',
  'Sources differ in emphasis, yet they agree on the substance.',
  'One could go further and generalise, but the argument would stay the same.',
  'This is easiest to see with a small example, worked through by hand.',
  'Finally, it is worth stating the assumptions openly, so that others can check them.',
];

const openings = [
  (topic: string) => `Here is a short overview of ${topic}.`,
  (topic: string) => `Let us look at ${topic} step by step.`,
  (topic: string) => `The short version first: ${topic} is simpler than it seems.`,
  (topic: string) => `Regarding ${topic}, a few points stand out.`,
];

const answerForms = [
  (answer: string) => `The answer is: ${answer}.`,
  (answer: string) => `Answer: ${answer}.`,
  (answer: string) => `The result is this: ${answer}.`,
];

const codeExample = '```python\ndef process(items):\n    return [item for item in items if item is not None]\n```';

/** A few longer words of the prompt, which stand for what it is about. */
function topicOf(prompt: string): string {
  const words = prompt.slice(0, 2000).match(/[\p{L}][\p{L}'-]{4,}/gu) ?? [];
  return words.length === 0 ? 'this question' : words.slice(0, 3).join(' ').toLowerCase();
}

/** Adds sentences until the text has about `tokens` tokens. */
function lengthen(start: string, tokens: number, random: Random): string {
  const parts = [start];
  let length = countTokens(start);
  while (length < tokens) {
    const sentence = random.pick(sentences);
    parts.push(sentence);
    length += countTokens(sentence) + 1;
  }
  return parts.join(' ');
}

/**
 * The text of an answer: right with the profile's probability if the prompt is a demo prompt, else plausible text
 * without meaning. Its length follows the profile's distribution, never below one sentence.
 */
export function writeAnswer(prompt: string, profile: ModelProfile, random: Random): string {
  const { median, p95 } = profile.output_tokens;
  const tokens = Math.min(random.logNormal(median, p95), p95 * 4, profile.max_output_tokens);
  const demo = findDemoPrompt(prompt);
  if (demo !== undefined) {
    const right = random.chance(profile.quality[demo.complexity]);
    const phrase = right ? (demo.expected[0] ?? '') : random.pick(demo.wrong);
    const start = random.pick(answerForms)(phrase);
    return demo.complexity === 'simple' ? start : lengthen(start, tokens, random);
  }
  const text = lengthen(random.pick(openings)(topicOf(prompt)), tokens, random);
  return /\b(code|function|script|program|implement)\b|```/i.test(prompt) ? `${text}\n\n${codeExample}` : text;
}
