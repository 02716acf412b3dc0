import { calcPrice, findProvider } from '@pydantic/genai-prices';
import { describe, expect, it } from 'vitest';
import { type Costs, costsSchema } from '../../contracts/index.ts';
import { type ProviderDefinition, providerDefinitions } from '../../platform/providers/definitions.ts';
import { findInPriceList, priceInForce, unknownCosts } from './prices.ts';

const at = new Date('2026-11-01T12:00:00Z');
const tiered = { base: 2, tiers: [{ start: 200_000, price: 4 }] };

/** Prices that every model may have, USD per 1,000 tokens. */
const costs = (
  input: number | null,
  output: number | null,
  cachedInput: number | null,
  cacheWrite: number | null,
): Costs => ({
  input_tokens_per_1k: input,
  output_tokens_per_1k: output,
  cached_input_tokens_per_1k: cachedInput,
  cache_write_tokens_per_1k: cacheWrite,
  currency: 'USD',
});

describe('findInPriceList', () => {
  it('has a model’s prices and its context window', () => {
    expect(findInPriceList('openai', 'gpt-6-sol', at)).toEqual({
      costs: {
        input_tokens_per_1k: 0.002,
        output_tokens_per_1k: 0.01,
        cached_input_tokens_per_1k: 0.0002,
        cache_write_tokens_per_1k: 0.0025,
        currency: 'USD',
        tiers: [
          {
            above_input_tokens: 272_000,
            input_tokens_per_1k: 0.004,
            output_tokens_per_1k: 0.015,
            cached_input_tokens_per_1k: 0.0004,
            cache_write_tokens_per_1k: 0.005,
          },
        ],
        service_tiers: { batch: 0.5, flex: 0.5 },
      },
      contextWindow: 1_050_000,
      deprecated: false,
    });
  });

  it.each<[string, string, Costs]>([
    [
      'anthropic',
      'claude-sonnet-4-5',
      {
        ...costs(0.003, 0.015, 0.0003, 0.00375),
        long_cache_write_tokens_per_1k: 0.006,
        tiers: [
          {
            above_input_tokens: 200_000,
            input_tokens_per_1k: 0.006,
            output_tokens_per_1k: 0.0225,
            cached_input_tokens_per_1k: 0.0006,
            cache_write_tokens_per_1k: 0.0075,
            long_cache_write_tokens_per_1k: 0.012,
          },
        ],
        service_tiers: { batch: 0.5, us: 1.1 },
      },
    ],
    [
      'google',
      'gemini-2.5-pro',
      {
        ...costs(0.00125, 0.01, 0.000125, null),
        tiers: [
          {
            above_input_tokens: 200_000,
            input_tokens_per_1k: 0.0025,
            output_tokens_per_1k: 0.015,
            cached_input_tokens_per_1k: 0.00025,
          },
        ],
        service_tiers: { batch: 0.5, flex: 0.5 },
      },
    ],
    [
      'x-ai',
      'grok-4.20',
      {
        ...costs(0.00125, 0.0025, 0.0002, null),
        tiers: [
          {
            above_input_tokens: 199_999,
            input_tokens_per_1k: 0.0025,
            output_tokens_per_1k: 0.005,
            cached_input_tokens_per_1k: 0.0004,
          },
        ],
      },
    ],
    [
      'openai',
      'gpt-audio',
      {
        ...costs(0.0025, 0.01, null, null),
        audio_input_tokens_per_1k: 0.032,
        audio_output_tokens_per_1k: 0.064,
        service_tiers: { batch: 0.5, flex: 0.5 },
      },
    ],
    ['groq', 'llama-3.3-70b-versatile', { ...costs(0.00059, 0.00079, null, null), service_tiers: { flex: 1 } }],
    [
      'openrouter',
      'perplexity/sonar-deep-research',
      { ...costs(0.002, 0.008, null, null), reasoning_tokens_per_1k: 0.003 },
    ],
  ])('takes the prices of %s %s as they are', (list, modelId, expected) => {
    expect(findInPriceList(list, modelId, at)?.costs).toEqual(expected);
  });

  it('charges tiered calls as the list itself does', () => {
    const usage = { input_tokens: 272_001, cache_read_tokens: 72_000, cache_write_tokens: 1, output_tokens: 1000 };
    for (const inputTokens of [272_000, 272_001]) {
      const listed = calcPrice({ ...usage, input_tokens: inputTokens }, 'gpt-6-sol', {
        providerId: 'openai',
        timestamp: at,
      });
      const found = findInPriceList('openai', 'gpt-6-sol', at)?.costs ?? unknownCosts;
      const [tier] = found.tiers ?? [];
      const prices = inputTokens > (tier?.above_input_tokens ?? Infinity) ? { ...found, ...tier } : found;
      const cost =
        (inputTokens - 72_001) * (prices.input_tokens_per_1k ?? NaN) +
        72_000 * (prices.cached_input_tokens_per_1k ?? NaN) +
        (prices.cache_write_tokens_per_1k ?? NaN) +
        1000 * (prices.output_tokens_per_1k ?? NaN);
      expect(cost / 1000).toBeCloseTo(listed?.total_price ?? NaN, 9);
    }
  });

  it('knows a provider’s own ids, in any case', () => {
    expect(findInPriceList('openrouter', 'OpenAI/gpt-6-sol', at)?.costs.input_tokens_per_1k).toBe(0.002);
    expect(findInPriceList('openai', 'no-such-model', at)).toBeUndefined();
    expect(findInPriceList('no-such-list', 'gpt-6-sol', at)).toBeUndefined();
  });

  it('leaves what it does not price unknown', () => {
    expect(findInPriceList('openai', 'text-embedding-3-small', at)?.costs).toEqual({
      ...costs(0.00002, null, null, null),
      service_tiers: { batch: 0.5, flex: 0.5 },
    });
    expect(findInPriceList('openai', 'whisper-1', at)?.costs.input_tokens_per_1k).toBeNull();
  });

  it('reads every entry of every list that a provider names', () => {
    const lists = Object.values(providerDefinitions).flatMap((definition: ProviderDefinition) =>
      definition.priceListId === null ? [] : [definition.priceListId],
    );
    for (const list of lists) {
      const models = findProvider({ providerId: list })?.models ?? [];
      expect(models.length, list).toBeGreaterThan(0);
      for (const model of models) {
        // Some entries have a prefix for an id, by which they are not found.
        const found = findInPriceList(list, model.id, at)?.costs ?? unknownCosts;
        expect(costsSchema.safeParse(found).error, model.id).toBeUndefined();
      }
    }
  });
});

describe('priceInForce', () => {
  it('is the price itself when there is one', () => {
    expect(priceInForce({ input_mtok: tiered }, at)).toEqual({ input_mtok: tiered });
  });

  const dated = [
    { prices: { input_mtok: 5 } },
    { constraint: { type: 'start_date' as const, start_date: '2026-03-01' }, prices: { input_mtok: 4 } },
    { constraint: { type: 'start_date' as const, start_date: '2026-09-01' }, prices: { input_mtok: 3 } },
  ];

  it.each([
    ['2026-02-28T23:59:59Z', 5],
    ['2026-03-01T00:00:00Z', 4],
    ['2026-08-31T00:00:00Z', 4],
    ['2027-01-01T00:00:00Z', 3],
  ])('on %s it is %d', (date, price) => {
    expect(priceInForce(dated, new Date(date))).toEqual({ input_mtok: price });
  });

  it('is the dearest of those that hold by the hour', () => {
    const hours = { type: 'time_of_date' as const, start_time: '00:30:00Z', end_time: '16:30:00Z' };
    const offPeak = { prices: { input_mtok: 1, output_mtok: 2 } };
    const peak = { constraint: hours, prices: { input_mtok: 2, output_mtok: 4 } };
    const discount = { constraint: hours, prices: { input_mtok: 0.5, output_mtok: 1 } };
    expect(priceInForce([offPeak, peak], at)).toBe(peak.prices);
    expect(priceInForce([offPeak, discount], at)).toBe(offPeak.prices);
  });
});
