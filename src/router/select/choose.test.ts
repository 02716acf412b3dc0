import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aModel, aSnapshot, type ModelChanges } from '../../../test/support/catalogue.ts';
import { loadConfig } from '../../platform/config/load.ts';
import { policyFromConfig } from '../policy-from-config.ts';
import { chooseModel, describeExclusions } from './choose.ts';
import { anyModel, type Policy, type SelectionRequest } from './policy.ts';

const policy: Policy = policyFromConfig(loadConfig({ env: {}, cwd: '/' }));
const request: SelectionRequest = { ...anyModel, queryType: 'simple', complexity: 'simple', inputTokens: 100 };
const neverMeasured = (): null => null;

const small = aModel('gpt-6-luna', 'openai', {
  complexity_scores: { simple: 4.4, medium: 3.5, complex: 2.4 },
  costs: { input_tokens_per_1k: 0.0001, output_tokens_per_1k: 0.0005 },
  refiner: true,
});
const middle = aModel('claude-sonnet-5', 'anthropic', {
  complexity_scores: { simple: 4.6, medium: 4.3, complex: 3.9 },
  costs: { input_tokens_per_1k: 0.002, output_tokens_per_1k: 0.01 },
});
const flagship = aModel('gpt-6-sol', 'openai', {
  complexity_scores: { simple: 4.7, medium: 4.5, complex: 4.4 },
  costs: { input_tokens_per_1k: 0.002, output_tokens_per_1k: 0.01 },
});
const all = [small, middle, flagship];

function choose(changes: Partial<SelectionRequest> = {}, models = all, rules: Partial<Policy> = {}) {
  return chooseModel(aSnapshot(models).models, { ...request, ...changes }, { ...policy, ...rules }, neverMeasured);
}
const chosen = (selection: ReturnType<typeof choose>) => selection.chain.map(({ entry }) => entry.model.model_id);

describe('the choice', () => {
  test('goes by what the prompt says of the models, and tells it; models that nobody knows have the shift of others', () => {
    const usual = choose({ complexity: 'complex' });
    expect(chosen(usual)[0]).toBe('gpt-6-sol');
    const shifted = choose({
      complexity: 'complex',
      successShifts: new Map([
        ['gpt-6-sol', -0.1],
        ['*', 0.02],
      ]),
    });
    expect(chosen(shifted)[0]).toBe('claude-sonnet-5');
    expect(shifted.explanation.summary).toContain('for this prompt');
    expect(shifted.explanation.candidates.map(({ model, prompt_shift: shift }) => [model, shift])).toEqual(
      expect.arrayContaining([
        ['gpt-6-sol', -0.1],
        ['gpt-6-luna', 0.02],
      ]),
    );
    expect(usual.explanation.candidates.every((candidate) => !('prompt_shift' in candidate))).toBe(true);
  });

  test('takes the small model for what is simple and the flagship for hard research', () => {
    expect(chosen(choose())[0]).toBe('gpt-6-luna');
    expect(chosen(choose({ queryType: 'research', complexity: 'complex' }))[0]).toBe('gpt-6-sol');
    expect(chosen(choose({ queryType: 'technical', complexity: 'medium' }))[0]).toBe('claude-sonnet-5');
  });

  test('follows a learned score', () => {
    const learnedScores = [{ model: 'gpt-6-luna', complexity: 'simple' as const, score: 2.9 }];
    const { chain } = chooseModel(aSnapshot(all, { learnedScores }).models, request, policy, neverMeasured);
    expect(chain[0]?.entry.model.model_id).not.toBe('gpt-6-luna');
    expect(chain.map(({ known }) => known.source)).toContain('catalogue');
  });

  test('weighs cost, speed or quality above the rest when asked to', () => {
    const hard = { queryType: 'research', complexity: 'complex' } as const;
    expect(chosen(choose({ ...hard, prefer: 'cost' }))[0]).toBe('gpt-6-luna');
    expect(chosen(choose({ prefer: 'quality' }))[0]).toBe('gpt-6-sol');
    const fastFlagship = chooseModel(aSnapshot(all).models, { ...request, prefer: 'speed' }, policy, (entry) =>
      entry.model.model_id === 'gpt-6-sol' ? 50 : 3000,
    );
    expect(fastFlagship.chain[0]?.entry.model.model_id).toBe('gpt-6-sol');
  });

  test('neither shuns nor favours a model whose speed was never measured', () => {
    const twins = [aModel('measured', 'p'), aModel('new', 'p')];
    const selection = chooseModel(aSnapshot(twins).models, request, policy, (entry) =>
      entry.model.model_id === 'measured' ? 300 : null,
    );
    const [first, second] = selection.chain;
    expect(first?.worth).toBe(second?.worth);
  });

  test('stays with the model of a conversation while a switch is worth less than its cache and its habit', () => {
    const question = { queryType: 'technical', complexity: 'medium', inputTokens: 50_000 } as const;
    expect(chosen(choose(question))[0]).toBe('claude-sonnet-5');
    const conversation = { modelKey: 'openai/gpt-6-sol', cachedInputTokens: 48_000 };
    expect(chosen(choose({ ...question, conversation }))[0]).toBe('gpt-6-sol');

    const costs = (more: object) =>
      Object.fromEntries(
        choose({ ...question, ...more }).explanation.candidates.map((one) => [one.model, one.estimated_cost_usd]),
      );
    const cold = costs({});
    const warm = costs({ conversation });
    expect(warm['gpt-6-sol']).toBeLessThan((cold['gpt-6-sol'] ?? 0) / 2);
    expect(warm['claude-sonnet-5']).toBe(cold['claude-sonnet-5']);
  });

  test('leaves a conversation’s model for one that is far better suited', () => {
    const conversation = { modelKey: 'openai/gpt-6-luna', cachedInputTokens: 0 };
    const hard = { queryType: 'research', complexity: 'complex' } as const;
    expect(chosen(choose({ ...hard, conversation }))[0]).toBe('gpt-6-sol');
  });

  test('takes the providers that the request puts first, by name or kind, and nothing of the order is turned round', () => {
    expect(chosen(choose({ providerOrder: ['anthropic'] }))).toEqual(['claude-sonnet-5', 'gpt-6-luna', 'gpt-6-sol']);
    expect(chosen(choose({ providerOrder: ['openai', 'anthropic'] }))).toEqual([
      'gpt-6-luna',
      'gpt-6-sol',
      'claude-sonnet-5',
    ]);
  });

  test('falls back to another provider first', () => {
    expect(chosen(choose())).toEqual(['gpt-6-luna', 'claude-sonnet-5', 'gpt-6-sol']);
    expect(chosen(choose({}, all, { fallbackChainLength: 1 }))).toEqual(['gpt-6-luna']);
  });

  test('explains itself in one sentence with the numbers', () => {
    expect(choose().explanation.summary).toMatch(
      /^gpt-6-luna for a simple request of simple complexity: catalogue score 4\.40 of 5 for about \$0\.0000\d+, 0\.\d+ ahead of /,
    );
  });
});

describe('the filters', () => {
  const cases: Array<[reason: string, model: ModelChanges, request: Partial<SelectionRequest>]> = [
    ['status', { status: 'preview' }, {}],
    ['status', { status: 'snapshot' }, {}],
    ['status', { status: 'deprecated' }, {}],
    ['status', { status: 'disabled' }, {}],
    ['capability', { capabilities: { function_calling: false } }, { requiredCapabilities: ['function_calling'] }],
    ['capability', { capabilities: { text_generation: false } }, {}],
    ['modality', { modalities: { input: ['text'], output: ['text'] } }, { inputModalities: ['text', 'image'] }],
    ['context_length', { context_window: 1000 }, { inputTokens: 990 }],
    ['not_a_refiner', { refiner: false }, { refinersOnly: true }],
    ['not_allowed', {}, { onlyModels: ['another'] }],
    ['provider_not_allowed', {}, { onlyProviders: ['another'] }],
    ['provider_not_allowed', {}, { ignoredProviders: ['tested'] }],
    ['surface', {}, { nativeSurface: { name: 'responses', because: 'background' } }],
    ['not_allowed', {}, { allowedModels: ['another-*', 'tested/another'] }],
    ['provider_not_allowed', {}, { providerOrder: ['another'], allowsOtherProviders: false }],
    ['price_unknown', { costs: { input_tokens_per_1k: null } }, { maxCostUsd: 1 }],
    ['price_unknown', { costs: { input_tokens_per_1k: null } }, { requiresPrice: true }],
    ['price_bound', { costs: { output_tokens_per_1k: 0.01 } }, { maxOutputUsdPerMillionTokens: 9 }],
    ['budget', { costs: { output_tokens_per_1k: 0.01 } }, { maxCostUsd: 0.0001 }],
  ];

  test.each(cases)('%s', (reason, changes, asked) => {
    const { chain, explanation } = choose(asked, [aModel('tested', 'tested', changes)]);
    expect(chain).toEqual([]);
    expect(explanation.excluded).toEqual([expect.objectContaining({ model: 'tested', reason })]);
    expect(explanation.excluded_counts).toEqual({ [reason]: 1 });
    expect(explanation.summary).toContain(`by ${reason}`);
  });

  test('allow and deny lists hold for ids and for provider/id', () => {
    expect(chosen(choose({}, all, { deny: ['openai/*'] }))).toEqual(['claude-sonnet-5']);
    expect(chosen(choose({}, all, { allow: ['gpt-6-*'] }))).toEqual(['gpt-6-luna', 'gpt-6-sol']);
  });

  test('an unhealthy provider is left out, unless there is no other', () => {
    const oneDown = chooseModel(aSnapshot(all, { unhealthy: ['openai'] }).models, request, policy, neverMeasured);
    expect(chosen(oneDown)).toEqual(['claude-sonnet-5']);
    expect(oneDown.explanation.excluded_counts).toEqual({ provider_unhealthy: 2 });
    const allDown = aSnapshot(all, { unhealthy: ['openai', 'anthropic'] }).models;
    expect(chooseModel(allDown, request, policy, neverMeasured).chain).toHaveLength(3);
  });

  test('a model of unknown price may answer, but counts as dear', () => {
    const unpriced = aModel('unpriced', 'x', { costs: { input_tokens_per_1k: null, output_tokens_per_1k: null } });
    const [only] = choose({}, [unpriced]).chain;
    expect(only).toMatchObject({ costUsd: null, cost: -policy.weights.cost });
  });

  test('the description names the filter that emptied the list first', () => {
    expect(describeExclusions([], { status: 2, capability: 7 })).toBe(
      'all 9 models are excluded: 7 by capability, 2 by status',
    );
  });
});

describe('properties', () => {
  const score = fc.double({ min: 0, max: 5, noNaN: true });
  const model = fc
    .record({
      simple: score,
      price: fc.double({ min: 0, max: 1, noNaN: true }),
      status: fc.constantFrom('stable', 'preview'),
    })
    .map(({ simple, price, status }, index = 0) =>
      aModel(`m${index}`, 'p', {
        status: status as 'stable',
        complexity_scores: { simple, medium: 2, complex: 2 },
        costs: { input_tokens_per_1k: price, output_tokens_per_1k: price },
      }),
    );
  const models = fc
    .array(model, { maxLength: 12 })
    .map((list) => list.map((entry, index) => ({ ...entry, model_id: `m${index}`, provider: `p${index % 3}` })));

  test('every model is either a candidate or excluded, and the order of the catalogue does not matter', () => {
    fc.assert(
      fc.property(models, (list) => {
        const forwards = choose({}, list);
        const backwards = choose({}, list.toReversed());
        const { candidates, excluded } = forwards.explanation;
        expect(candidates.length + excluded.length).toBe(list.length);
        expect(chosen(backwards)).toEqual(chosen(forwards));
        const totals = candidates.map((candidate) => candidate.terms.total);
        expect(totals).toEqual(totals.toSorted((a, b) => b - a));
      }),
    );
  });

  test('a better score never loses a model its place', () => {
    fc.assert(
      fc.property(models, fc.nat(), fc.double({ min: 0, max: 5, noNaN: true }), (list, pick, gain) => {
        const index = list.length === 0 ? 0 : pick % list.length;
        const improved = list.map((entry, at) =>
          at === index
            ? {
                ...entry,
                complexity_scores: {
                  ...entry.complexity_scores,
                  simple: Math.min(5, entry.complexity_scores.simple + gain),
                },
              }
            : entry,
        );
        const rank = (selection: ReturnType<typeof choose>): number =>
          selection.explanation.candidates.findIndex((candidate) => candidate.model === `m${index}`);
        expect(rank(choose({}, improved))).toBeLessThanOrEqual(rank(choose({}, list)));
      }),
    );
  });
});
