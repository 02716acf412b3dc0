import { normalisePrompt } from './generate/request.ts';
import { complexPrompts } from './prompts/complex.ts';
import type { DemoPrompt } from './prompts/demo-prompt.ts';
import { mediumPrompts } from './prompts/medium.ts';
import { simplePrompts } from './prompts/simple.ts';

/** Varied prompts over all query types and complexities. */
export const demoPrompts: readonly DemoPrompt[] = [...simplePrompts, ...mediumPrompts, ...complexPrompts];

const byPrompt = new Map(demoPrompts.map((entry) => [normalisePrompt(entry.prompt), entry]));

/** The demo prompt with this text, whatever its spaces and letter case. */
export function findDemoPrompt(prompt: string): DemoPrompt | undefined {
  return byPrompt.get(normalisePrompt(prompt));
}

/** Whether `text` holds `phrase` as whole words and numbers: `43` is in `it is 43.`, not in `143`, `43.5` or `1,43`. */
function holdsPhrase(text: string, phrase: string): boolean {
  const startsLikeWord = /^[\p{L}\p{N}]/u.test(phrase);
  const endsLikeWord = /[\p{L}\p{N}]$/u.test(phrase);
  for (let at = text.indexOf(phrase); at !== -1; at = text.indexOf(phrase, at + 1)) {
    const before = text.slice(Math.max(0, at - 2), at);
    const after = text.slice(at + phrase.length, at + phrase.length + 2);
    const startsFree = !startsLikeWord || !/[\p{L}\p{N}-]$|\p{N}[.,]$/u.test(before);
    const endsFree = !endsLikeWord || !/^[\p{L}\p{N}]|^[.,]\p{N}/u.test(after);
    if (startsFree && endsFree) return true;
  }
  return false;
}

/** Whether an answer to a demo prompt is right; `undefined` for a prompt that is none. */
export function isRightAnswer(prompt: string, answer: string): boolean | undefined {
  const entry = findDemoPrompt(prompt);
  if (entry === undefined) return undefined;
  const text = normalisePrompt(answer);
  return entry.expected.some((phrase) => holdsPhrase(text, normalisePrompt(phrase)));
}
