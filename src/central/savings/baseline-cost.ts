import type { Costs } from '../../contracts/model.ts';
import type { Spending } from '../../platform/store/spending.ts';

/** What automatic requests would have cost at one model. */
export interface BaselineCost {
  /** Null where the price of the model is unknown. */
  costUsd: number | null;
  /** Requests for which the model's own mean of output tokens is taken. */
  ownOutput: number;
  /** Requests for which the output is that of the answer that was given. */
  sameOutput: number;
}

/** Purposes whose answers are those of automatic requests. */
const answering: ReadonlySet<string> = new Set(['choice', 'fallback', 'hedge']);
/** Answers of a complexity that make a mean. */
const leastAnswers = 30;

/** Answers of automatic requests. */
export function answersOf(spending: readonly Spending[]): Spending[] {
  return spending.filter(({ purpose }) => answering.has(purpose));
}

/**
 * The cost of the same requests at a model: their own input, cached as far as it was, and for each complexity the model's
 * mean of output tokens, where it gave at least 30 answers of it; else the tokens that were written. By the list prices of
 * text: tiers by length, cache writes and reasoning of a price of its own are not applied. Pure.
 */
export function baselineCost(
  spending: readonly Spending[],
  { provider, model }: { provider: string; model: string },
  costs: Costs,
): BaselineCost {
  const { input_tokens_per_1k: inputPrice, output_tokens_per_1k: outputPrice } = costs;
  const cachedPrice = costs.cached_input_tokens_per_1k ?? inputPrice;
  const result: BaselineCost = { costUsd: 0, ownOutput: 0, sameOutput: 0 };
  const answers = answersOf(spending);
  for (const complexity of new Set(answers.map((row) => row.complexity))) {
    const asked = total(answers.filter((row) => row.complexity === complexity));
    const own = total(
      answers.filter((row) => row.complexity === complexity && row.provider === provider && row.model === model),
    );
    const hasMean = own.answers >= leastAnswers;
    const outputTokens = hasMean ? (asked.answers * own.output) / own.answers : asked.output;
    result[hasMean ? 'ownOutput' : 'sameOutput'] += asked.answers;
    result.costUsd =
      result.costUsd === null || inputPrice === null || outputPrice === null || cachedPrice === null
        ? null
        : result.costUsd +
          ((asked.input - asked.cached) * inputPrice + asked.cached * cachedPrice + outputTokens * outputPrice) / 1000;
  }
  return result;
}

function total(rows: readonly Spending[]): { answers: number; input: number; cached: number; output: number } {
  const sum = (column: 'answers' | 'input_tokens' | 'cached_input_tokens' | 'output_tokens'): number =>
    rows.reduce((all, row) => all + row[column], 0);
  return {
    answers: sum('answers'),
    input: sum('input_tokens'),
    cached: sum('cached_input_tokens'),
    output: sum('output_tokens'),
  };
}
