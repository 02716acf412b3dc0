import { createRandom } from '../../statistics/random.ts';
import { normalisePrompt } from './request.ts';

/** More words than this of one text have no influence on its embedding. */
const maxWords = 32;

/**
 * A vector of length 1 with `dimensions` numbers: the sum of a fixed random direction per distinct word, so that texts
 * which share words lie closer together than texts which share none.
 */
export function embed(text: string, dimensions: number): number[] {
  const vector = new Float64Array(dimensions);
  const words = new Set(normalisePrompt(text).split(' ').slice(0, maxWords));
  for (const word of words) {
    const random = createRandom(`embedding\n${word}`);
    for (let index = 0; index < dimensions; index += 1) vector[index] = (vector[index] ?? 0) + random.next() - 0.5;
  }
  const norm = Math.hypot(...vector) || 1;
  return Array.from(vector, (value) => value / norm);
}
