import { describe, expect, it } from 'vitest';
import { createFeatureScrambler } from './feature-scrambler.ts';

const features = Uint16Array.from([5, 65_535, 0, 1234, 777]);
const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);

describe('createFeatureScrambler', () => {
  it('can be undone with the same secret, and says nothing of the order', () => {
    const scrambler = createFeatureScrambler('salt', 'master');
    const numbers = scrambler.scramble(features);
    expect(numbers).toEqual(sorted(numbers));
    expect(sorted(scrambler.unscramble(numbers))).toEqual(sorted(features));
    expect(createFeatureScrambler('salt', 'master').scramble(features)).toEqual(numbers);
    expect(scrambler.scramble(features.toReversed())).toEqual(numbers);
  });

  it('is another with another salt or master key, and is named by another key', () => {
    const all = [
      createFeatureScrambler('salt', 'master'),
      createFeatureScrambler('other', 'master'),
      createFeatureScrambler('salt', 'other'),
      createFeatureScrambler('salt', undefined),
    ];
    expect(new Set(all.map(({ key }) => key)).size).toBe(all.length);
    expect(new Set(all.map(({ scramble }) => String(scramble(features)))).size).toBe(all.length);
  });
});
