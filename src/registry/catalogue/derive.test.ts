import { describe, expect, it } from 'vitest';
import type { Costs } from '../../contracts/index.ts';
import type { CatalogueModel } from '../../platform/store/model-row.ts';
import { buildModels } from './build-models.ts';
import { deriveModel } from './derive.ts';

const source = { name: 'test', kind: 'openai-compatible' as const, priceListId: null };
const listed = { id: 'some-model', displayName: null, contextWindow: null, maxOutputTokens: null };
const [plain] = buildModels(source, [listed], new Date(0)) as [CatalogueModel];

const costing = (input: number | null, output: number | null): { costs: Costs } => ({
  costs: { ...plain.costs, input_tokens_per_1k: input, output_tokens_per_1k: output },
});

describe('deriveModel', () => {
  it.each([
    ['cheap', costing(0.001, 0.005), true, true],
    ['cheap to answer, dear to ask', costing(0.0011, 0.005), true, false],
    ['dear', costing(0.001, 0.0051), false, false],
    ['of unknown price', costing(null, null), false, false],
    ['cheap, but a preview', { ...costing(0, 0), status: 'preview' as const }, true, false],
    ['cheap, but always thinking', { ...costing(0, 0), model_id: 'o9-mini' }, false, false],
    [
      'cheap, but no chat model',
      { ...costing(0, 0), capabilities: { ...plain.capabilities, text_generation: false } },
      false,
      false,
    ],
  ])('%s: fast %s', (_name, changes, fast, refiner) => {
    const model = deriveModel({ ...plain, ...changes });
    expect(model.capabilities.fast_inference).toBe(fast);
    expect(model.refiner).toBe(refiner);
  });

  it('believes measurements once there are enough', () => {
    const fast = (timeToFirstTokenMs: number, count: number) =>
      deriveModel(plain, new Set(), { timeToFirstTokenMs, count }).capabilities.fast_inference;
    expect(fast(499, 20)).toBe(true);
    expect(fast(499, 19)).toBe(false);
    expect(fast(500, 1000)).toBe(false);
  });

  it.each([
    [null, false],
    [127_999, false],
    [128_000, true],
  ])('a context window of %s is long: %s', (tokens, long) => {
    expect(deriveModel({ ...plain, context_window: tokens }).capabilities.long_context).toBe(long);
  });

  it('leaves alone what is pinned', () => {
    const pinned = new Set(['capabilities.fast_inference', 'complexity_scores.complex']);
    const set = {
      ...plain,
      ...costing(0.001, 0.001),
      capabilities: { ...plain.capabilities, fast_inference: false },
      complexity_scores: { simple: 1, medium: 1, complex: 1 },
    };
    const model = deriveModel(set, pinned);
    expect(model.capabilities.fast_inference).toBe(false);
    expect(model.refiner).toBe(false);
    expect(model.complexity_scores.complex).toBe(1);
    expect(model.complexity_scores.simple).toBeGreaterThan(4);
  });
});
