import type { CostQualityPoint, DashboardModel } from '../../contracts/dashboard.ts';
import { complexities } from '../../contracts/query-class.ts';
import type { AnswerCosts } from '../../platform/store/spending.ts';
import { paretoFrontier } from './pareto.ts';

/** Answers from which on their mean cost is taken instead of one by the price. */
const leastAnswers = 10;
/** Of an answer, where none was counted at that complexity. */
const usualTokens = { input: 500, output: 500 };

/**
 * What an answer of each model costs and how good it is, at each complexity; models without a price and without answers are
 * left out. `on_frontier` is by complexity. Pure.
 */
export function costQualityPoints(
  models: readonly DashboardModel[],
  costs: readonly AnswerCosts[],
): CostQualityPoint[] {
  return complexities.flatMap((complexity) => {
    const counted = costs.filter((cost) => cost.complexity === complexity);
    const tokens = meanTokens(counted);
    const points = models.flatMap((model) => {
      const { provider, model_id } = model;
      const own = counted.find((cost) => cost.provider === provider && cost.model === model_id);
      const answers = own?.answers ?? 0;
      const measured = own !== undefined && answers >= leastAnswers ? own.cost_usd / answers : null;
      const cost = measured ?? costByPrice(model, tokens);
      if (cost === null) return [];
      const quality = model.scores[complexity].score;
      return { provider, model_id, complexity, quality, cost_usd: cost, is_measured: measured !== null, answers };
    });
    const frontier = paretoFrontier(points);
    return points.map((point) => ({ ...point, on_frontier: frontier.has(point) }));
  });
}

function meanTokens(costs: readonly AnswerCosts[]): { input: number; output: number } {
  const answers = costs.reduce((sum, cost) => sum + cost.answers, 0);
  if (answers === 0) return usualTokens;
  return {
    input: costs.reduce((sum, cost) => sum + cost.input_tokens, 0) / answers,
    output: costs.reduce((sum, cost) => sum + cost.output_tokens, 0) / answers,
  };
}

function costByPrice(
  { input_usd_per_million_tokens: input, output_usd_per_million_tokens: output }: DashboardModel,
  tokens: { input: number; output: number },
): number | null {
  return input === null || output === null ? null : (tokens.input * input + tokens.output * output) / 1_000_000;
}
