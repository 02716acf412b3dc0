import { complexities, type Complexity } from '../../src/contracts/query-class.ts';
import type { PublicRow } from './public-data.ts';

export interface ClassifiedPrompts {
  benchmark: string;
  complexity: Complexity;
  prompts: number;
  /** Mean over prompts and models; NaN where there are none. */
  outcome: number;
}

/** How well models do on what is classified as simple, medium and complex, in each benchmark. */
export function outcomesByComplexity(rows: readonly PublicRow[]): ClassifiedPrompts[] {
  const telling = rows.filter(({ tellsDifficulty }) => tellsDifficulty);
  return [...new Set(telling.map(({ benchmark }) => benchmark))].flatMap((benchmark) =>
    complexities.map((complexity): ClassifiedPrompts => {
      const own = telling.filter((row) => row.benchmark === benchmark && row.complexity === complexity);
      const outcomes = own.flatMap((row) => [...row.outcomes.values()]);
      return {
        benchmark,
        complexity,
        prompts: own.length,
        outcome: outcomes.reduce((sum, value) => sum + value, 0) / outcomes.length,
      };
    }),
  );
}
