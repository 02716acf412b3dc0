import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aModel, aSnapshot } from '../../../test/support/catalogue.ts';
import { matchesPattern } from './pattern.ts';
import { resolvePinned } from './pinned.ts';
import { parseRequestedModel } from './requested-model.ts';

describe('patterns', () => {
  test.each([
    ['*', 'anything', true],
    ['gpt-6-*', 'gpt-6-sol', true],
    ['gpt-6-*', 'gpt-5', false],
    ['*-mini', 'gpt-5.4-mini', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'ac', false],
    ['ab*ba', 'aba', false],
    ['exact', 'exact', true],
    ['g.t', 'got', false],
  ])('%s on %s: %s', (pattern, text, expected) => {
    expect(matchesPattern(pattern, text)).toBe(expected);
  });

  test('agree with a regular expression', () => {
    const alphabet = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const plain = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(alphabet, plain, (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
        expect(matchesPattern(pattern, text)).toBe(expression.test(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the requested model', () => {
  test.each([
    ['auto', { kind: 'auto', complexity: null, prefer: null }],
    ['signalbox/auto', { kind: 'auto', complexity: null, prefer: null }],
    ['openrouter/auto', { kind: 'auto', complexity: null, prefer: null }],
    ['auto:complex', { kind: 'auto', complexity: 'complex', prefer: null }],
    ['auto:speed', { kind: 'auto', complexity: null, prefer: 'speed' }],
    ['signalbox/auto:cost', { kind: 'auto', complexity: null, prefer: 'cost' }],
    ['auto:cheapest', { kind: 'unknown_variant', variant: 'cheapest' }],
    ['auto:cost:speed', { kind: 'unknown_variant', variant: 'cost:speed' }],
    ['auto:constructor', { kind: 'unknown_variant', variant: 'constructor' }],
    ['llama3:8b', { kind: 'pinned', name: 'llama3:8b' }],
    ['automatic', { kind: 'pinned', name: 'automatic' }],
  ])('%s', (name, expected) => {
    expect(parseRequestedModel(name)).toEqual(expected);
  });
});

describe('a pinned model', () => {
  const models = [
    aModel('gpt-6-sol', 'azure', { costs: { output_tokens_per_1k: 0.02 } }),
    aModel('gpt-6-sol', 'openai', { costs: { output_tokens_per_1k: 0.01 }, status: 'deprecated' }),
    aModel('off', 'openai', { status: 'disabled' }),
  ];
  const places = (name: string, unhealthy: string[] = [], order: string[] = []) =>
    resolvePinned(name, aSnapshot(models, { unhealthy }), order).map(
      (place) => `${place.providerName}/${place.modelId}`,
    );

  test('is offered by the cheaper provider first, by a healthy one before all, whatever its status', () => {
    expect(places('gpt-6-sol')).toEqual(['openai/gpt-6-sol', 'azure/gpt-6-sol']);
    expect(places('gpt-6-sol', ['openai'])).toEqual(['azure/gpt-6-sol', 'openai/gpt-6-sol']);
  });

  test('is offered in the order of providers that the request gives', () => {
    expect(places('gpt-6-sol', [], ['azure'])).toEqual(['azure/gpt-6-sol', 'openai/gpt-6-sol']);
  });

  test('with its provider is called there and nowhere else, listed or not', () => {
    expect(places('azure/gpt-6-sol')).toEqual(['azure/gpt-6-sol']);
    expect(places('openai/ft:gpt-6:acme')).toEqual(['openai/ft:gpt-6:acme']);
  });

  test('that nobody knows, or that is switched off, is not offered', () => {
    expect(places('gpt-9')).toEqual([]);
    expect(places('nobody/gpt-6-sol')).toEqual([]);
    expect(places('off')).toEqual([]);
    expect(places('openai/')).toEqual([]);
  });
});
