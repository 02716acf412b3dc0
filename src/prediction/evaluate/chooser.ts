import type { Model } from '../../contracts/model.ts';
import { type Complexity, complexities, type PerComplexity } from '../../contracts/query-class.ts';
import { rankModels } from '../../router/select/choose.ts';
import { anyModel, type Policy, type SelectionRequest } from '../../router/select/policy.ts';
import type { ComplexityScore, RoutableModel } from '../../router/select/routable-model.ts';
import { highestScore, ratePerPoint } from '../../statistics/score-scale.ts';
import type { Price } from './price.ts';
import type { EvaluationRow } from './rows.ts';

/**
 * The model that the router chooses for a row, as a place in the list of models, when each is expected to have the outcome
 * given for it in `expected`, in [0, 1], at a trade-off from quality (0) to cost (1). Models without an outcome in the row
 * are not offered, since nobody could say what they would have been worth.
 */
export type Chooser = (row: EvaluationRow, expected: ArrayLike<number>, tradeOff: number) => number;

const provider = { name: 'recorded', kind: 'recorded', passes: ['chat'] };

/**
 * Chooses by the router's own selection. All that is believed of a model is put into what the prompt adds to its score, with
 * a score of 0 beneath, so that an outcome p in [0, 1] becomes the score 5·p and nothing is cut off.
 */
export function createChooser(models: readonly string[], prices: ReadonlyArray<Price | null>, policy: Policy): Chooser {
  const entries = models.map((name, model) => entryOf(name, prices[model] ?? null));
  const places = new Map(models.map((name, model) => [name, model]));
  // One output token stands for what a request costs whatever its length.
  const oneToken = Object.fromEntries(complexities.map((complexity) => [complexity, 1])) as Record<Complexity, number>;
  const rules: Policy = { ...policy, allow: ['*'], deny: [], expectedOutputTokens: oneToken };
  return ({ inputTokens, outcomes }, expected, tradeOff) => {
    const request: SelectionRequest = {
      ...anyModel,
      queryType: 'technical',
      complexity: 'medium',
      inputTokens,
      tradeOff: { value: tradeOff, source: 'request' },
      successShifts: new Map(
        models.map((name, model) => [name, highestScore * ratePerPoint * (expected[model] as number)]),
      ),
    };
    const offered = outcomes.includes(null) ? entries.filter((_, model) => outcomes[model] != null) : entries;
    const [first] = rankModels(offered, request, rules, () => null).ranked;
    if (first === undefined) throw new RangeError('a row without an outcome');
    return places.get(first.entry.model.model_id) as number;
  };
}

function entryOf(name: string, price: Price | null): RoutableModel {
  const nothingKnown: ComplexityScore = {
    score: 0,
    source: 'catalogue',
    believed: 0,
    strength: 1,
    queryTypeOffsets: {},
  };
  const scores: PerComplexity<ComplexityScore> = {
    simple: nothingKnown,
    medium: nothingKnown,
    complex: nothingKnown,
  };
  const model: Model = {
    model_id: name,
    provider: provider.name,
    display_name: null,
    status: 'stable',
    capabilities: {
      text_generation: true,
      multimodal: true,
      tool_use: true,
      long_context: true,
      streaming: true,
      function_calling: true,
      fast_inference: false,
      structured_output: true,
      reasoning: false,
      embeddings: false,
    },
    modalities: { input: ['text'], output: ['text'] },
    context_window: null,
    max_output_tokens: null,
    performance: { avg_ttft_ms: null, avg_completion_ms: null, success_rate: null, quality_score: null },
    costs: {
      input_tokens_per_1k: price === null ? null : 1000 * price.usdPerInputToken,
      output_tokens_per_1k: price === null ? null : 1000 * price.usdPerRequest,
      cached_input_tokens_per_1k: null,
      cache_write_tokens_per_1k: null,
      currency: 'USD',
    },
    complexity_scores: { simple: 0, medium: 0, complex: 0 },
    refiner: false,
    usage_count: 0,
    updated_at: '1970-01-01T00:00:00.000Z',
  };
  return { key: `${provider.name}/${name}`, model, provider, providerHealthy: true, scores };
}
