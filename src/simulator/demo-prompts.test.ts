import { describe, expect, it } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { demoPrompts, findDemoPrompt, isRightAnswer } from './demo-prompts.ts';
import { writeAnswer } from './generate/answer.ts';
import { baseProfile } from './profile.ts';

function answersOf(prompt: string, quality: number): string[] {
  const profile = { ...baseProfile('m'), quality: { simple: quality, medium: quality, complex: quality } };
  return Array.from({ length: 12 }, (_, seed) => writeAnswer(prompt, profile, createRandom(seed)));
}

describe('demoPrompts', () => {
  it('are many, distinct, and of every kind', () => {
    expect(demoPrompts.length).toBeGreaterThanOrEqual(60);
    expect(new Set(demoPrompts.map(({ prompt }) => findDemoPrompt(prompt))).size).toBe(demoPrompts.length);
    for (const queryType of ['simple', 'technical', 'research']) {
      for (const complexity of ['simple', 'medium', 'complex']) {
        const found = demoPrompts.some((entry) => entry.queryType === queryType && entry.complexity === complexity);
        expect(found, `${queryType}, ${complexity}`).toBe(true);
      }
    }
  });

  it.each(demoPrompts)('is judged by what the model says: $prompt', ({ prompt, wrong }) => {
    expect(answersOf(prompt, 1).filter((answer) => isRightAnswer(prompt, answer) !== true)).toEqual([]);
    expect(answersOf(prompt, 0).filter((answer) => isRightAnswer(prompt, answer) !== false)).toEqual([]);
    expect(wrong.length).toBeGreaterThan(0);
  });
});

describe('isRightAnswer', () => {
  const sum = 'What is 17 + 26?';

  it('wants whole words and whole numbers', () => {
    expect(isRightAnswer(sum, 'That makes **43**.')).toBe(true);
    expect(isRightAnswer(sum, 'It is 43')).toBe(true);
    expect(isRightAnswer(sum, 'It is 143, 43.5 or 430.')).toBe(false);
    expect(isRightAnswer('What is the  capital of\nfrance?', 'PARIS!')).toBe(true);
    expect(isRightAnswer('What is the capital of France?', 'Parisian')).toBe(false);
  });

  it('does not judge other prompts', () => {
    expect(isRightAnswer('How are you?', 'Fine')).toBeUndefined();
  });
});
