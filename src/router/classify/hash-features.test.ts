import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { featureCount, hashFeatures, mostSampled, sampleOf } from './hash-features.ts';
import { createPromptBuilder, promptFromText } from './prompt.ts';

const featuresOf = (text: string): Set<number> => new Set(hashFeatures(promptFromText(text)));
const shared = (a: string, b: string): number =>
  [...featuresOf(a)].filter((feature) => featuresOf(b).has(feature)).length;

describe('hashFeatures', () => {
  it('gives a set of numbers below the limit, the same each time, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), (text) => {
        const features = hashFeatures(promptFromText(text));
        expect(new Set(features).size).toBe(features.length);
        for (const feature of features) expect(feature).toBeLessThan(featureCount);
        expect(hashFeatures(promptFromText(text))).toEqual(features);
      }),
    );
  });

  it('does not mind capitals, but words, their order and how often they come', () => {
    expect(shared('sort the list', 'SORT THE LIST')).toBeGreaterThan(shared('sort the list', 'list the sort'));
    expect(featuresOf('list the sort')).not.toEqual(featuresOf('sort the list'));
    expect(featuresOf('no')).not.toEqual(featuresOf('no no'));
  });

  it('finds more in common between prompts about one thing than about different things', () => {
    const cats = 'Which food is best for an old cat that eats little?';
    expect(shared(cats, 'Which food is bad for a young cat that eats much?')).toBeGreaterThan(
      shared(cats, 'Derive the gradient of the loss with respect to all weights.'),
    );
  });

  it('takes each character of a script without spaces for a word', () => {
    expect(shared('东京天气', '京都天气')).toBeGreaterThan(shared('东京天气', '足球比赛'));
  });

  it('sees what surrounds the question: instructions, tools, images, and how long the conversation is', () => {
    const build = (change: (builder: ReturnType<typeof createPromptBuilder>) => void, tools = 0): Set<number> => {
      const builder = createPromptBuilder();
      change(builder);
      builder.addMessage('user', 'What now?');
      return new Set(hashFeatures(builder.build(tools, 0)));
    };
    const plain = build(() => undefined);
    expect(build((builder) => builder.addMessage('system', 'You answer questions about tax law.'))).not.toEqual(plain);
    expect(build((builder) => builder.addInput('image'))).not.toEqual(plain);
    expect(build(() => undefined, 3)).not.toEqual(plain);
    expect(build((builder) => builder.addMessage('assistant', 'Well.'))).not.toEqual(plain);
  });
});

describe('sampleOf', () => {
  const words = Array.from({ length: 400 }, (_, index) => `word${index}`);
  const sampled = (text: string): Set<number> => new Set(sampleOf(hashFeatures(promptFromText(text))));

  it('is all of a short prompt, and of a long one about as many as may be', () => {
    const short = hashFeatures(promptFromText('Which food is best for an old cat?'));
    expect(sampleOf(short)).toEqual(short);
    const { size } = sampled(words.join(' '));
    expect(size).toBeLessThanOrEqual(mostSampled);
    expect(size).toBeGreaterThan(mostSampled - 40);
  });

  it('keeps the same part of what two long prompts have in common', () => {
    const one = sampled(words.join(' '));
    const other = sampled([...words, 'and', 'one', 'more'].join(' '));
    expect([...one].filter((feature) => other.has(feature)).length).toBeGreaterThan(mostSampled - 60);
  });
});
