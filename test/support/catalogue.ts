import type { Model, Modality } from '../../src/contracts/model.ts';
import type { Provider } from '../../src/platform/providers/definitions.ts';
import {
  buildSnapshot,
  type LearnedBelief,
  type LearnedScore,
  type Snapshot,
} from '../../src/router/snapshot/snapshot.ts';

export type ModelChanges = Partial<Omit<Model, 'capabilities' | 'costs'>> & {
  capabilities?: Partial<Model['capabilities']>;
  costs?: Partial<Model['costs']>;
};

/** A model that can do everything, of a middling price; tests say what differs. */
export function aModel(modelId: string, provider: string, changes: ModelChanges = {}): Model {
  return {
    model_id: modelId,
    provider,
    display_name: null,
    status: 'stable',
    modalities: { input: ['text', 'image'] satisfies Modality[], output: ['text'] },
    context_window: 128_000,
    max_output_tokens: 16_000,
    performance: { avg_ttft_ms: null, avg_completion_ms: null, success_rate: null, quality_score: null },
    complexity_scores: { simple: 4, medium: 4, complex: 4 },
    refiner: false,
    usage_count: 0,
    updated_at: '2026-01-01T00:00:00.000Z',
    ...changes,
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
      ...changes.capabilities,
    },
    costs: {
      input_tokens_per_1k: 0.001,
      output_tokens_per_1k: 0.004,
      cached_input_tokens_per_1k: 0.0001,
      cache_write_tokens_per_1k: null,
      currency: 'USD',
      ...changes.costs,
    },
  };
}

export function aProvider(name: string, changes: Partial<Provider> = {}): Provider {
  return {
    name,
    kind: 'openai',
    dialect: 'openai',
    baseUrl: 'http://127.0.0.1:1/v1',
    passes: ['chat', 'embeddings'],
    apiKey: 'sk-test',
    apiKeys: ['sk-test'],
    priceListId: null,
    models: [],
    simulated: false,
    ...changes,
  };
}

export function aSnapshot(
  models: readonly Model[],
  more: {
    unhealthy?: readonly string[];
    learnedScores?: readonly LearnedScore[];
    beliefs?: readonly LearnedBelief[];
  } = {},
): Snapshot {
  const names = [...new Set(models.map((model) => model.provider))];
  return buildSnapshot({
    models,
    providers: names.map((name) => aProvider(name)),
    health: (more.unhealthy ?? []).map((provider) => ({
      provider,
      status: 'unhealthy',
      simulated: false,
      model_count: 1,
      last_checked_at: null,
      last_ok_at: null,
      consecutive_failures: 3,
      latency_ms: null,
      error: null,
    })),
    learnedScores: more.learnedScores ?? [],
    beliefs: more.beliefs ?? [],
    instanceId: 'test',
    scoreSequence: 0,
    nowMs: 1,
  });
}
