import { describe, expect, it } from 'vitest';
import type { Model, ModelStatus } from '../../contracts/index.ts';
import { aModel, type ModelChanges } from '../../../test/support/catalogue.ts';
import { fingerprintOf } from './fingerprint.ts';
import { describeChange, proposeFor } from './propose.ts';

/** What many models can do, and no more. */
function model(id: string, { capabilities, modalities, costs, ...changes }: ModelChanges = {}): Model {
  return aModel(id, 'openai', {
    ...changes,
    modalities: modalities ?? { input: ['text'], output: ['text'] },
    capabilities: { multimodal: false, ...capabilities },
    costs: { cached_input_tokens_per_1k: null, ...costs },
  });
}
const candidate = (id: string, changes: ModelChanges = {}): Model => model(id, { status: 'candidate', ...changes });

describe('what a candidate would replace', () => {
  it('is the newest stable model of its family, without a word', () => {
    const models = ['gpt-5-sol', 'gpt-5.6-sol', 'gpt-6-luna'].map((id) => model(id));
    const opinion = proposeFor(candidate('gpt-6-sol'), models);
    expect(opinion).toMatchObject({
      relation: 'family',
      isProposed: true,
      automatic: true,
      reason: 'newer than gpt-5.6-sol',
    });
    expect(opinion.control?.model_id).toBe('gpt-5.6-sol');
  });

  it.each<[string, string, ModelStatus | 'stable', string]>([
    ['a preview', 'gpt-7-sol-preview', 'stable', 'a preview; previews are not tried by themselves'],
    ['an older one', 'gpt-4-sol', 'stable', 'older than gpt-5-sol'],
    [
      'a dated copy',
      'gpt-5-sol-2026-01-01',
      'stable',
      'a dated copy of the version of gpt-5-sol; such are not tried by themselves',
    ],
    [
      'a later date of the version',
      'gpt-5-sol-20260301',
      'stable',
      'a dated copy of the version of gpt-5-sol; such are not tried by themselves',
    ],
    ['the same version', 'gpt-5-sol-latest', 'stable', 'of the same version as gpt-5-sol'],
    [
      'one without relatives',
      'zeta-1',
      'deprecated',
      'nothing that it could replace: no stable model is of its family or like it',
    ],
  ])('is nothing of %s', (_, id, status, reason) => {
    const opinion = proposeFor(candidate(id), [model('gpt-5-sol', { status })]);
    expect(opinion).toMatchObject({ control: null, isProposed: false, automatic: false, reason });
  });

  it('is of a model without family the one nearest in price, that can do nothing more, after a word', () => {
    const price = (input: number): ModelChanges => ({
      costs: { input_tokens_per_1k: input, output_tokens_per_1k: 4 * input },
    });
    const models = [
      model('far-1', price(0.01)),
      model('near-1', price(0.0012)),
      model('nearest-1', { ...price(0.00105), capabilities: { multimodal: true } }),
      model('elsewhere-1', { ...price(0.001), provider: 'other' }),
      model('old-1', { ...price(0.001), status: 'deprecated' }),
    ];
    const opinion = proposeFor(candidate('zeta-1'), models);
    expect(opinion).toMatchObject({ relation: 'price', isProposed: true, automatic: false });
    expect(opinion.control?.model_id).toBe('near-1');
  });

  it.each<[string, ModelChanges, string]>([
    ['loses something', { capabilities: { tool_use: false } }, 'it cannot do tool_use'],
    ['costs far more', { costs: { output_tokens_per_1k: 0.01 } }, 'it costs more than 2 times as much'],
    ['has an unknown price', { costs: { input_tokens_per_1k: null } }, 'its price is not known'],
  ])('waits for a word where it %s', (_, changes, why) => {
    const opinion = proposeFor(candidate('gpt-6-sol', changes), [model('gpt-5-sol')]);
    expect(opinion).toMatchObject({
      isProposed: true,
      automatic: false,
      reason: `newer than gpt-5-sol, but ${why}: waits for approval`,
    });
  });

  it('is said with all that would change, in numbers and words', () => {
    const changes = {
      context_window: 400_000,
      costs: { input_tokens_per_1k: 0.0005, output_tokens_per_1k: 0.006 },
      capabilities: { reasoning: true, tool_use: false },
    };
    expect(
      describeChange(candidate('gpt-6-sol', changes), model('gpt-5-sol'), { relation: 'family', automatic: true }),
    ).toEqual({
      relation: 'family',
      automatic: true,
      changes: {
        input_tokens_per_1k: { from: 0.001, to: 0.0005 },
        output_tokens_per_1k: { from: 0.004, to: 0.006 },
        context_window: { from: 128_000, to: 400_000 },
      },
      capabilities_gained: ['reasoning'],
      capabilities_lost: ['tool_use'],
      summary:
        'input tokens 1 → 0.5 USD per million (−50%); output tokens 4 → 6 USD per million (+50%); ' +
        'context 128,000 → 400,000 tokens (+213%); gains reasoning; loses tool_use',
    });
  });
});

it('a fingerprint is that of what a provider says, and of nothing measured', () => {
  const since = new Date('2026-05-01T10:00:00Z');
  const before = fingerprintOf(model('a-1'), since);
  const same = model('a-1', {
    usage_count: 9,
    status: 'candidate',
    capabilities: { fast_inference: true },
    refiner: true,
  });
  expect(fingerprintOf(same, new Date('2026-05-01T23:00:00Z'))).toBe(before);
  for (const changes of [
    { costs: { input_tokens_per_1k: 0.002 } },
    { context_window: 1 },
    { max_output_tokens: 1 },
    { capabilities: { reasoning: true } },
  ]) {
    expect(fingerprintOf(model('a-1', changes), since)).not.toBe(before);
  }
  expect(fingerprintOf(model('a-1'), new Date('2026-06-01T10:00:00Z'))).not.toBe(before);
});
