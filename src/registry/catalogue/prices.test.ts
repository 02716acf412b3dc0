import { findProvider } from '@pydantic/genai-prices';
import { describe, expect, it } from 'vitest';
import { type ProviderDefinition, providerDefinitions } from '../../platform/providers/definitions.ts';
import { findInPriceList, priceInForce } from './prices.ts';

const at = new Date('2026-11-01T12:00:00Z');
const tiered = { base: 2, tiers: [{ start: 200_000, price: 4 }] };

describe('findInPriceList', () => {
  it('takes the price below the first tier', () => {
    expect(findInPriceList('openai', 'gpt-6-sol', at)).toMatchObject({
      price: {
        inputUsdPerMillionTokens: 2,
        outputUsdPerMillionTokens: 10,
        cachedInputUsdPerMillionTokens: 0.2,
        cacheWriteUsdPerMillionTokens: 2.5,
      },
      contextWindow: 1_050_000,
    });
  });

  it('knows a provider’s own ids, in any case', () => {
    expect(findInPriceList('openrouter', 'OpenAI/gpt-6-sol', at)?.price.inputUsdPerMillionTokens).toBe(2);
    expect(findInPriceList('openai', 'no-such-model', at)).toBeUndefined();
    expect(findInPriceList('no-such-list', 'gpt-6-sol', at)).toBeUndefined();
  });

  it('leaves what it does not price unknown', () => {
    expect(findInPriceList('openai', 'text-embedding-3-small', at)?.price).toEqual({
      inputUsdPerMillionTokens: 0.02,
      outputUsdPerMillionTokens: null,
      cachedInputUsdPerMillionTokens: null,
      cacheWriteUsdPerMillionTokens: null,
    });
    expect(findInPriceList('openai', 'whisper-1', at)?.price.inputUsdPerMillionTokens).toBeNull();
  });

  it('reads every entry of every list that a provider names', () => {
    const lists = Object.values(providerDefinitions).flatMap((definition: ProviderDefinition) =>
      definition.priceListId === null ? [] : [definition.priceListId],
    );
    for (const list of lists) {
      const models = findProvider({ providerId: list })?.models ?? [];
      expect(models.length, list).toBeGreaterThan(0);
      for (const model of models) {
        const price = findInPriceList(list, model.id, at)?.price;
        for (const value of Object.values(price ?? {})) expect(value ?? 0, model.id).toBeGreaterThanOrEqual(0);
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
