import { expect, it } from 'vitest';
import { createKeptAnswers } from './kept-answers.ts';

it('makes one answer for all who ask the same for a while, and one at a time', async () => {
  let nowMs = 0;
  const made: string[] = [];
  let underWay = 0;
  const answers = createKeptAnswers<string>(1000, () => nowMs);
  const ask = (key: string) =>
    answers.get(key, async () => {
      underWay += 1;
      made.push(`${key} ${underWay}`);
      await Promise.resolve();
      underWay -= 1;
      return key;
    });
  expect(await Promise.all([ask('a'), ask('b'), ask('a')])).toEqual(['a', 'b', 'a']);
  nowMs = 1000;
  await ask('a');
  expect(made).toEqual(['a 1', 'b 1']);
  nowMs = 1001;
  await ask('a');
  expect(made).toEqual(['a 1', 'b 1', 'a 1']);
});

it('keeps no failure, and goes on after it', async () => {
  const answers = createKeptAnswers<string>(1000, () => 0);
  const fails = (): Promise<string> => Promise.reject(new Error('away'));
  const first = answers.get('a', fails);
  const other = answers.get('b', () => Promise.resolve('b'));
  await expect(first).rejects.toThrow('away');
  expect(await other).toBe('b');
  expect(await answers.get('a', () => Promise.resolve('a'))).toBe('a');
});
