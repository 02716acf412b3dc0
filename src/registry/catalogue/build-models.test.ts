import { describe, expect, it } from 'vitest';
import { modelSchema } from '../../contracts/index.ts';
import { type ProviderKind, providerDefinitions } from '../../platform/providers/definitions.ts';
import { buildModels } from './build-models.ts';

const at = new Date('2026-11-01T12:00:00Z');

function build(kind: ProviderKind, ids: readonly string[], over: { contextWindow?: number } = {}) {
  const source = { name: kind, kind, priceListId: providerDefinitions[kind].priceListId };
  const listed = ids.map((id) => ({ id, displayName: null, contextWindow: null, maxOutputTokens: null, ...over }));
  return new Map(buildModels(source, listed, at).map((model) => [model.model_id, model]));
}

const statuses = (kind: ProviderKind, ids: readonly string[]) =>
  Object.fromEntries([...build(kind, ids).values()].map((model) => [model.model_id, model.status]));

describe('buildModels', () => {
  it('describes a known model in full', () => {
    const model = build('openai', ['gpt-6-luna']).get('gpt-6-luna');
    expect(model).toEqual({
      model_id: 'gpt-6-luna',
      provider: 'openai',
      display_name: expect.any(String) as string,
      status: 'stable',
      capabilities: {
        text_generation: true,
        multimodal: true,
        tool_use: true,
        long_context: true,
        streaming: true,
        function_calling: true,
        fast_inference: true,
        structured_output: true,
        reasoning: true,
        embeddings: false,
      },
      modalities: { input: ['text', 'image'], output: ['text'] },
      context_window: 1_050_000,
      max_output_tokens: 128_000,
      costs: {
        input_tokens_per_1k: 0.0001,
        output_tokens_per_1k: 0.0005,
        cached_input_tokens_per_1k: 0.00001,
        cache_write_tokens_per_1k: 0.000125,
        currency: 'USD',
        tiers: [
          {
            above_input_tokens: 272_000,
            input_tokens_per_1k: 0.0002,
            output_tokens_per_1k: 0.00075,
            cached_input_tokens_per_1k: 0.00002,
            cache_write_tokens_per_1k: 0.00025,
          },
        ],
        service_tiers: { batch: 0.5, flex: 0.5 },
      },
      complexity_scores: { simple: 4.36, medium: 3.6, complex: 2.77 },
      refiner: true,
    });
  });

  it('promises of an unknown model only that it answers in text', () => {
    const model = build('openai-compatible', ['my-own-model']).get('my-own-model');
    const capable = Object.entries(model?.capabilities ?? {}).filter(([, has]) => has);
    expect(capable.map(([name]) => name)).toEqual(['text_generation', 'streaming']);
    expect(model).toMatchObject({ status: 'stable', context_window: null, max_output_tokens: null, refiner: false });
    expect(model?.costs).toMatchObject({ input_tokens_per_1k: null, output_tokens_per_1k: null });
    expect(modelSchema.omit({ performance: true, usage_count: true, updated_at: true }).parse(model)).toEqual(model);
  });

  it('has free models on one’s own machine only', () => {
    const prices = (kind: ProviderKind) => build(kind, ['llama3.2:3b']).get('llama3.2:3b')?.costs.input_tokens_per_1k;
    expect(prices('ollama')).toBe(0);
    expect(prices('openai-compatible')).toBeNull();
    expect(prices('huggingface')).toBeNull();
  });

  it('recognises what does not chat', () => {
    const models = build('openai', [
      'text-embedding-3-small',
      'gpt-4o-mini-tts',
      'gpt-image-1',
      'omni-moderation-latest',
    ]);
    for (const model of models.values()) {
      expect(model.capabilities).toMatchObject({ text_generation: false, streaming: false, tool_use: false });
      expect(model.refiner).toBe(false);
    }
    expect(models.get('text-embedding-3-small')).toMatchObject({
      capabilities: { embeddings: true },
      modalities: { output: ['embedding'] },
    });
  });

  it('knows a model by its dated id, by its family, and under its maker’s name', () => {
    expect(build('anthropic', ['claude-haiku-4-5-20251001']).get('claude-haiku-4-5-20251001')).toMatchObject({
      capabilities: { tool_use: true, multimodal: true },
      context_window: 200_000,
    });
    const family = build('openai', ['gpt-4o-search-preview']).get('gpt-4o-search-preview');
    expect(family).toMatchObject({ display_name: null, max_output_tokens: null, capabilities: { tool_use: true } });
    expect(build('openrouter', ['anthropic/claude-opus-5.5']).get('anthropic/claude-opus-5.5')).toMatchObject({
      capabilities: { reasoning: true },
      costs: { input_tokens_per_1k: 0.004 },
    });
    // Can probably what its family can, and is not superseded because the family's head is.
    const next = build('openai', ['gpt-5.99', 'gpt-6-sol']).get('gpt-5.99');
    expect(next).toMatchObject({ status: 'stable', display_name: null, capabilities: { tool_use: true } });
  });

  it('believes the provider’s own list about the context window', () => {
    const model = build('openai', ['gpt-6-sol'], { contextWindow: 32_000 }).get('gpt-6-sol');
    expect(model).toMatchObject({ context_window: 32_000, capabilities: { long_context: false } });
  });

  it('tells snapshots, previews and superseded models from stable ones', () => {
    expect(
      statuses('openai', [
        'gpt-4o',
        'gpt-4o-2024-08-06',
        'gpt-6-sol',
        'o3-2025-04-16',
        'gpt-9-preview',
        'mistral-large-latest',
        'mistral-large-2411',
      ]),
    ).toEqual({
      'gpt-4o': 'deprecated',
      'gpt-4o-2024-08-06': 'snapshot',
      'gpt-6-sol': 'stable',
      'o3-2025-04-16': 'deprecated',
      'gpt-9-preview': 'preview',
      'mistral-large-latest': 'stable',
      'mistral-large-2411': 'snapshot',
    });
  });

  it('keeps an old model stable where its maker’s current ones are not on offer', () => {
    expect(statuses('openai', ['gpt-4o', 'gpt-4o-mini', 'claude-sonnet-5'])).toEqual({
      'gpt-4o': 'stable',
      'gpt-4o-mini': 'stable',
      'claude-sonnet-5': 'stable',
    });
  });
});
