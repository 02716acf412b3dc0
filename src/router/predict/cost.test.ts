import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Costs, PriceTier } from '../../contracts/model.ts';
import { costUsd, noUsage, type TokenUsage } from './cost.ts';

const costs: Costs = {
  input_tokens_per_1k: 0.002,
  output_tokens_per_1k: 0.01,
  cached_input_tokens_per_1k: 0.0002,
  cache_write_tokens_per_1k: 0.003,
  currency: 'USD',
  long_cache_write_tokens_per_1k: 0.005,
  reasoning_tokens_per_1k: 0.004,
  audio_input_tokens_per_1k: 0.03,
  audio_output_tokens_per_1k: 0.06,
  tiers: [
    { above_input_tokens: 400_000, input_tokens_per_1k: 0.008, output_tokens_per_1k: 0.04 },
    {
      above_input_tokens: 200_000,
      input_tokens_per_1k: 0.004,
      output_tokens_per_1k: 0.02,
      cached_input_tokens_per_1k: 0.0004,
      cache_write_tokens_per_1k: 0.006,
    },
  ],
  service_tiers: { flex: 0.5, priority: 2 },
};
/** Prices of text alone. */
const plain: Costs = {
  input_tokens_per_1k: 0.002,
  output_tokens_per_1k: 0.01,
  cached_input_tokens_per_1k: null,
  cache_write_tokens_per_1k: null,
  currency: 'USD',
};

const cost = (usage: Partial<TokenUsage>, prices: Costs) => costUsd({ ...noUsage, ...usage }, prices);

const cacheWrites = { inputTokens: 2500, cacheWriteTokens: 2000, longCacheWriteTokens: 500 };
const allKinds = {
  inputTokens: 3100,
  cachedInputTokens: 1000,
  cacheWriteTokens: 1000,
  longCacheWriteTokens: 600,
  audioInputTokens: 100,
  outputTokens: 1000,
  reasoningTokens: 500,
  audioOutputTokens: 200,
};

describe('costUsd', () => {
  it.each<[string, Partial<TokenUsage>, Costs, number]>([
    ['input and output', { inputTokens: 1000, outputTokens: 500 }, costs, 0.007],
    ['cached input at its own price', { inputTokens: 1000, cachedInputTokens: 800 }, costs, 0.00056],
    ['else at the full price', { inputTokens: 1000, cachedInputTokens: 800 }, plain, 0.002],
    ['cache writes at their own prices', cacheWrites, costs, 0.008],
    ['else at 1.25 and 2 times the input', cacheWrites, plain, 0.00675],
    ['reasoning at its own price', { outputTokens: 1000, reasoningTokens: 600 }, costs, 0.0064],
    ['else as output', { outputTokens: 1000, reasoningTokens: 600 }, plain, 0.01],
    ['audio', { inputTokens: 100, audioInputTokens: 60, outputTokens: 100, audioOutputTokens: 50 }, costs, 0.00538],
    ['the parts of a call once each', allKinds, costs, 0.0264],
    ['no part beyond its whole', { inputTokens: 10, cachedInputTokens: 1000 }, costs, 0.000002],
    ['what overlaps as the dearer', { inputTokens: 100, audioInputTokens: 80, cachedInputTokens: 90 }, costs, 0.002404],
    [
      'a free model',
      { inputTokens: 10, outputTokens: 10 },
      { ...plain, input_tokens_per_1k: 0, output_tokens_per_1k: 0 },
      0,
    ],
    ['no output, whose price is unknown', { inputTokens: 1000 }, { ...plain, output_tokens_per_1k: null }, 0.002],
  ])('charges %s', (_name, usage, prices, expected) => {
    expect(cost(usage, prices)).toBe(expected);
  });

  it.each<[string, Partial<TokenUsage>, Costs]>([
    ['input', { outputTokens: 10 }, { ...plain, input_tokens_per_1k: null }],
    ['output', { inputTokens: 10, outputTokens: 10 }, { ...plain, output_tokens_per_1k: null }],
    ['audio input', { inputTokens: 10, audioInputTokens: 1 }, plain],
    ['audio output', { outputTokens: 10, audioOutputTokens: 1 }, plain],
    ['the service tier', { inputTokens: 10, serviceTier: 'priority' }, plain],
    ['a tier that is no more than a name of objects', { inputTokens: 10, serviceTier: 'constructor' }, costs],
    [
      'the tier',
      { inputTokens: 10 },
      { ...plain, tiers: [{ above_input_tokens: 1, input_tokens_per_1k: null, output_tokens_per_1k: 1 }] },
    ],
  ])('is null where the price of %s is unknown', (_name, usage, prices) => {
    expect(cost(usage, prices)).toBeNull();
  });

  it.each([
    [200_000, 0.4],
    [200_001, 0.800004],
    [400_000, 1.6],
    [400_001, 3.200008],
  ])('charges the whole of %d input tokens at one tier’s price', (inputTokens, expected) => {
    expect(cost({ inputTokens }, costs)).toBe(expected);
  });

  it('takes what a tier does not price from the tier’s own input', () => {
    const usage = {
      inputTokens: 500_000,
      cachedInputTokens: 100_000,
      cacheWriteTokens: 200_000,
      longCacheWriteTokens: 100_000,
    };
    // 300 000 at 0.008, 100 000 at 0.01 and 100 000 at 0.016 USD per thousand.
    expect(cost(usage, costs)).toBe(5);
  });

  it.each([
    [null, 0.007],
    ['default', 0.007],
    ['standard', 0.007],
    ['on_demand', 0.007],
    ['flex', 0.0035],
    ['priority', 0.014],
    ['scale', null],
  ])('multiplies the whole by what service tier %s costs', (serviceTier, expected) => {
    expect(cost({ inputTokens: 1000, outputTokens: 500, serviceTier }, costs)).toBe(expected);
  });
});

describe('for any usage and any prices', () => {
  const price = fc.double({ min: 0, max: 1, noNaN: true });
  const perhaps = fc.option(price);
  const pricesOfTier = fc
    .record({ input: price, output: price, cachedShare: perhaps, write: perhaps, longWrite: perhaps })
    .map(({ input, output, cachedShare, write, longWrite }) => ({
      input_tokens_per_1k: input,
      output_tokens_per_1k: output,
      cached_input_tokens_per_1k: cachedShare === null ? null : cachedShare * input,
      cache_write_tokens_per_1k: write,
      long_cache_write_tokens_per_1k: longWrite,
    }));
  const otherPrices = fc.record({
    reasoning_tokens_per_1k: perhaps,
    audio_input_tokens_per_1k: price,
    audio_output_tokens_per_1k: price,
  });
  /** Where there is a tier it is the dearer, as all known ones are. */
  const anyCosts = fc
    .tuple(pricesOfTier, otherPrices, fc.double({ min: 1, max: 3, noNaN: true }), fc.nat(1_000_000))
    .map(([prices, others, factor, bound]): Costs & { tiers: [PriceTier] } => ({
      ...prices,
      ...others,
      currency: 'USD',
      tiers: [
        {
          above_input_tokens: bound,
          input_tokens_per_1k: prices.input_tokens_per_1k * factor,
          output_tokens_per_1k: prices.output_tokens_per_1k * factor,
          cached_input_tokens_per_1k: times(prices.cached_input_tokens_per_1k, factor),
          cache_write_tokens_per_1k: times(prices.cache_write_tokens_per_1k, factor),
          long_cache_write_tokens_per_1k: times(prices.long_cache_write_tokens_per_1k, factor),
        },
      ],
    }));
  const times = (value: number | null, factor: number) => (value === null ? null : value * factor);

  const tokens = fc.nat(1_000_000);
  const anyUsage = fc.record({
    inputTokens: tokens,
    cachedInputTokens: tokens,
    cacheWriteTokens: tokens,
    longCacheWriteTokens: tokens,
    audioInputTokens: tokens,
    outputTokens: tokens,
    reasoningTokens: tokens,
    audioOutputTokens: tokens,
    serviceTier: fc.constant(null),
  });
  /** Counts that grow together when there is one more token of a kind. */
  const kinds = [
    ['inputTokens'],
    ['inputTokens', 'cachedInputTokens'],
    ['inputTokens', 'cacheWriteTokens'],
    ['inputTokens', 'cacheWriteTokens', 'longCacheWriteTokens'],
    ['inputTokens', 'audioInputTokens'],
    ['outputTokens'],
    ['outputTokens', 'reasoningTokens'],
    ['outputTokens', 'audioOutputTokens'],
  ] as const;

  it('is never negative, and grows with tokens of every kind', () => {
    fc.assert(
      fc.property(anyUsage, anyCosts, fc.constantFrom(...kinds), tokens, (usage, prices, kind, added) => {
        const more = { ...usage };
        for (const name of kind) more[name] += added;
        const before = costUsd(usage, prices);
        expect(before).toBeGreaterThanOrEqual(0);
        expect(costUsd(more, prices)).toBeGreaterThanOrEqual(before ?? Infinity);
      }),
    );
  });

  it('never charges more for input because it was cached', () => {
    fc.assert(
      fc.property(anyUsage, anyCosts, (usage, prices) => {
        const full = costUsd({ ...usage, cachedInputTokens: 0 }, prices);
        expect(costUsd(usage, prices)).toBeLessThanOrEqual(full ?? -1);
      }),
    );
  });

  it('charges all of a call at one tier’s prices, on either side of its bound', () => {
    fc.assert(
      fc.property(anyUsage, anyCosts, fc.integer({ min: -1, max: 1 }), (usage, prices, offset) => {
        const [{ above_input_tokens: bound, ...above }] = prices.tiers;
        const inputTokens = Math.max(0, bound + offset);
        const flat = { ...prices, ...(inputTokens > bound ? above : {}), tiers: [] };
        expect(costUsd({ ...usage, inputTokens }, prices)).toBe(costUsd({ ...usage, inputTokens }, flat));
      }),
    );
  });
});
