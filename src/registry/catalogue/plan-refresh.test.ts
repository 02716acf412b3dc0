import { describe, expect, it } from 'vitest';
import type { ModelPatch } from '../../contracts/index.ts';
import type { CatalogueModel, StoredModel } from '../../platform/store/model-row.ts';
import { buildModels } from './build-models.ts';
import { unmeasured } from './derive.ts';
import { applyPatch, completePatch, pathsOf } from './operator-fields.ts';
import { hasUnknownPrice, planRefresh } from './plan-refresh.ts';

const at = new Date('2026-11-01T12:00:00Z');
const source = { name: 'openai', kind: 'openai' as const, priceListId: 'openai', models: [] as string[] };
const entry = (id: string) => ({ id, displayName: null, contextWindow: null, maxOutputTokens: null });

function store(id: string, patch: ModelPatch = {}, changes: Partial<StoredModel> = {}): StoredModel {
  const [built] = buildModels(source, [entry(id)], at) as [CatalogueModel];
  const completed = completePatch(built, patch);
  const pinnedFields = pathsOf(completed);
  return {
    model: applyPatch(built, completed, new Set(pinnedFields), unmeasured),
    source: 'discovered',
    listed: true,
    pinnedFields,
    declaredPerformance: {},
    measuredTimeToFirstTokenMs: null,
    timeToFirstTokenCount: 0,
    ...changes,
  };
}

const idsOf = (models: readonly CatalogueModel[]) => models.map((model) => model.model_id);

describe('planRefresh', () => {
  it('adds what is new and marks what is gone', () => {
    const plan = planRefresh(
      source,
      [entry('gpt-6-sol'), entry('gpt-6-luna')],
      [store('gpt-6-sol'), store('gpt-5')],
      at,
    );
    expect(idsOf(plan.upserts)).toEqual(['gpt-6-sol', 'gpt-6-luna']);
    expect(idsOf(plan.unlisted)).toEqual(['gpt-5']);
  });

  it('keeps what an operator has pinned, and derives the rest from it', () => {
    const patch: ModelPatch = {
      status: 'disabled',
      costs: { output_tokens_per_1k: 0.0004, input_tokens_per_1k: 0.0002 },
      complexity_scores: { simple: 1.5 },
      capabilities: { tool_use: false },
    };
    const [model] = planRefresh(source, [entry('gpt-6-sol')], [store('gpt-6-sol', patch)], at).upserts;
    expect(model).toMatchObject({
      status: 'disabled',
      costs: { input_tokens_per_1k: 0.0002, output_tokens_per_1k: 0.0004, cached_input_tokens_per_1k: 0.0002 },
      capabilities: { tool_use: false, function_calling: false, fast_inference: true, multimodal: true },
      complexity_scores: { simple: 1.5 },
    });
    expect(model?.complexity_scores.complex).toBeLessThan(3);
  });

  it('never touches what an operator made', () => {
    const manual = store('gpt-6-sol', {}, { source: 'manual' });
    expect(planRefresh(source, [entry('gpt-6-sol')], [manual], at)).toEqual({ upserts: [], unlisted: [] });
    expect(planRefresh(source, [entry('gpt-6-luna')], [manual], at).unlisted).toEqual([]);
  });

  it('keeps all rows of a provider that cannot be asked, and adds only configured models without one', () => {
    const plan = planRefresh({ ...source, models: ['gpt-6-sol', 'gpt-6-luna'] }, null, [store('gpt-6-sol')], at);
    expect(idsOf(plan.upserts)).toEqual(['gpt-6-luna']);
    expect(plan.unlisted).toEqual([]);
  });

  it('offers configured models besides the listed ones, once', () => {
    const plan = planRefresh({ ...source, models: ['mine', 'gpt-6-sol', 'mine'] }, [entry('gpt-6-sol')], [], at);
    expect(idsOf(plan.upserts)).toEqual(['gpt-6-sol', 'mine']);
  });
});

describe('a model that comes later than its provider', () => {
  const planned = (ids: string[], stored: StoredModel[], models: string[] = [], newOnTrial = true) =>
    Object.fromEntries(
      planRefresh({ ...source, models }, ids.map(entry), stored, at, newOnTrial).upserts.map((model) => [
        model.model_id,
        model.status,
      ]),
    );

  it('is a candidate, unless the configuration names it, it is no chat model, or none are tried', () => {
    const ids = ['gpt-6-luna', 'gpt-6-sol', 'some-embedding', 'gpt-7-preview', 'mine'];
    expect(planned(ids, [store('gpt-6-luna')], ['mine'])).toEqual({
      'gpt-6-luna': 'stable',
      'gpt-6-sol': 'candidate',
      'some-embedding': 'stable',
      'gpt-7-preview': 'preview',
      mine: 'stable',
    });
    expect(planned(['gpt-6-sol'], [store('gpt-6-luna')], [], false)).toEqual({ 'gpt-6-sol': 'stable' });
  });

  it('stays one until somebody sets its status, whatever is tried', () => {
    const candidate = store('gpt-6-sol');
    candidate.model.status = 'candidate';
    for (const newOnTrial of [true, false]) {
      expect(planned(['gpt-6-sol'], [candidate], [], newOnTrial)).toEqual({ 'gpt-6-sol': 'candidate' });
    }
    const promoted = {
      ...candidate,
      pinnedFields: ['status'],
      model: { ...candidate.model, status: 'stable' as const },
    };
    expect(planned(['gpt-6-sol'], [promoted])).toEqual({ 'gpt-6-sol': 'stable' });
  });

  it('makes no older one deprecated before it has proved itself', () => {
    // Superseded by its maker's word, and all there is.
    const old = ['gpt-4o'];
    expect(planned(old, [store('gpt-4o')])).toEqual({ 'gpt-4o': 'stable' });
    expect(planned([...old, 'gpt-6-sol'], [store('gpt-4o')])).toEqual({ 'gpt-4o': 'stable', 'gpt-6-sol': 'candidate' });
    const both = planned([...old, 'gpt-6-sol'], [store('gpt-4o'), store('gpt-6-sol')]);
    expect(both).toEqual({ 'gpt-4o': 'deprecated', 'gpt-6-sol': 'stable' });
  });
});

describe('applyPatch', () => {
  it.each<[string, ModelPatch, Record<string, unknown>]>([
    [
      'tool use brings function calling',
      { capabilities: { tool_use: true } },
      { capabilities: { function_calling: true } },
    ],
    [
      'both given stay as given',
      { capabilities: { tool_use: true, function_calling: false } },
      { capabilities: { tool_use: true, function_calling: false } },
    ],
    ['multimodal takes images', { capabilities: { multimodal: true } }, { modalities: { input: ['text', 'image'] } }],
    [
      'image input is multimodal',
      { modalities: { input: ['text', 'image'], output: ['text'] } },
      { capabilities: { multimodal: true } },
    ],
    ['null means unknown', { context_window: null }, { context_window: null }],
  ])('%s', (_name, patch, expected) => {
    expect(store('some-model', patch).model).toMatchObject(expected);
  });

  it('names each path that it sets', () => {
    const patch: ModelPatch = { status: 'preview', costs: { input_tokens_per_1k: null }, display_name: undefined };
    expect(pathsOf(patch)).toEqual(['status', 'costs.input_tokens_per_1k']);
  });
});

it('warns of models that may be called at an unknown price, and of no others', () => {
  const unknown = (id: string) => hasUnknownPrice(store(id).model);
  expect(unknown('gpt-6-sol')).toBe(false);
  expect(unknown('some-model')).toBe(true);
  expect(unknown('text-embedding-3-small')).toBe(false);
  expect(unknown('some-embedding')).toBe(true);
  expect(unknown('whisper-1')).toBe(false);
});
