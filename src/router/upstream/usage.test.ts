import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noUsage, type TokenUsage } from '../predict/cost.ts';
import {
  mergeMessagesUsage,
  reportedCostUsd,
  usageFromChat,
  usageFromEmbeddings,
  usageFromMessages,
  usageFromResponses,
} from './usage.ts';

describe('usageFromChat', () => {
  it.each<[string, unknown, Partial<TokenUsage>]>([
    ['totals alone', { prompt_tokens: 9, completion_tokens: 4 }, { inputTokens: 9, outputTokens: 4 }],
    [
      'all of OpenAI’s details',
      {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 20, audio_tokens: 10 },
        completion_tokens_details: { reasoning_tokens: 30, audio_tokens: 5 },
      },
      {
        inputTokens: 100,
        cachedInputTokens: 60,
        cacheWriteTokens: 20,
        audioInputTokens: 10,
        outputTokens: 50,
        reasoningTokens: 30,
        audioOutputTokens: 5,
      },
    ],
    [
      'DeepSeek’s cache hits',
      { prompt_tokens: 9, completion_tokens: 4, prompt_cache_hit_tokens: 5, prompt_cache_miss_tokens: 4 },
      { inputTokens: 9, outputTokens: 4, cachedInputTokens: 5 },
    ],
    [
      'Moonshot’s cached tokens',
      { prompt_tokens: 9, completion_tokens: 4, cached_tokens: 6 },
      { inputTokens: 9, outputTokens: 4, cachedInputTokens: 6 },
    ],
    [
      'reasoning beside the output, as the total shows',
      {
        prompt_tokens: 14,
        completion_tokens: 1,
        total_tokens: 401,
        completion_tokens_details: { reasoning_tokens: 386 },
      },
      { inputTokens: 14, outputTokens: 387, reasoningTokens: 386 },
    ],
    [
      'reasoning within it, though it is nearly all',
      {
        prompt_tokens: 14,
        completion_tokens: 400,
        total_tokens: 414,
        completion_tokens_details: { reasoning_tokens: 386 },
      },
      { inputTokens: 14, outputTokens: 400, reasoningTokens: 386 },
    ],
    [
      'more reasoning than output, without a total',
      { prompt_tokens: 14, completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 386 } },
      { inputTokens: 14, outputTokens: 387, reasoningTokens: 386 },
    ],
    [
      'an answer cut off while Gemini still thought',
      { prompt_tokens: 9, total_tokens: 73 },
      { inputTokens: 9, outputTokens: 64, reasoningTokens: 64 },
    ],
    [
      'parts that are greater than their whole',
      {
        prompt_tokens: 9,
        completion_tokens: 4,
        total_tokens: 13,
        prompt_tokens_details: { cached_tokens: 99, audio_tokens: 99 },
        completion_tokens_details: { reasoning_tokens: 99, audio_tokens: 99 },
      },
      {
        inputTokens: 9,
        cachedInputTokens: 9,
        audioInputTokens: 9,
        outputTokens: 4,
        reasoningTokens: 4,
        audioOutputTokens: 4,
      },
    ],
    [
      'details that make no sense',
      {
        prompt_tokens: 9,
        completion_tokens: 4,
        prompt_tokens_details: null,
        completion_tokens_details: [],
        cached_tokens: -1,
      },
      { inputTokens: 9, outputTokens: 4 },
    ],
  ])('reads %s', (_name, usage, expected) => {
    expect(usageFromChat(usage)).toEqual({ ...noUsage, ...expected });
  });

  it('takes the service tier from beside the usage', () => {
    const usage = { prompt_tokens: 9, completion_tokens: 4 };
    expect(usageFromChat(usage, 'flex')?.serviceTier).toBe('flex');
    expect(usageFromChat({ ...usage, service_tier: 'flex' })?.serviceTier).toBe('flex');
    expect(usageFromChat(usage, { tier: 'flex' })?.serviceTier).toBeNull();
  });

  it.each([null, undefined, 'usage', [], {}, { prompt_tokens: 9 }, { prompt_tokens: 1.5, completion_tokens: 4 }])(
    'finds none in %j',
    (value) => expect(usageFromChat(value)).toBeNull(),
  );
});

describe('usageFromMessages', () => {
  it('adds what was read from and written to caches to the input', () => {
    const usage = {
      input_tokens: 50,
      cache_read_input_tokens: 1800,
      cache_creation_input_tokens: 248,
      cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
      output_tokens: 503,
      output_tokens_details: { thinking_tokens: 400 },
      service_tier: 'standard',
    };
    expect(usageFromMessages(usage)).toEqual({
      ...noUsage,
      inputTokens: 2098,
      cachedInputTokens: 1800,
      cacheWriteTokens: 248,
      longCacheWriteTokens: 100,
      outputTokens: 503,
      reasoningTokens: 400,
      serviceTier: 'standard',
    });
  });

  it('takes cache writes of unknown lifetime for short ones', () => {
    const usage = { input_tokens: 1, output_tokens: 2, cache_creation_input_tokens: 3, cache_creation: null };
    expect(usageFromMessages(usage)).toMatchObject({ inputTokens: 4, cacheWriteTokens: 3, longCacheWriteTokens: 0 });
  });

  it.each([
    [{}, null],
    [{ service_tier: 'standard', speed: 'standard', inference_geo: 'global' }, 'standard'],
    [{ service_tier: 'batch' }, 'batch'],
    [{ service_tier: 'standard', speed: 'fast' }, 'fast'],
    [{ service_tier: 'standard', inference_geo: 'us' }, 'us'],
    [{ service_tier: 'priority', speed: 'fast', inference_geo: 'us' }, 'priority+fast+us'],
  ])('names what %j is charged as', (more, expected) => {
    expect(usageFromMessages({ input_tokens: 1, output_tokens: 1, ...more })?.serviceTier).toBe(expected);
  });

  it('joins the two halves of a stream, in which counts only grow', () => {
    const start = { input_tokens: 472, cache_read_input_tokens: 5, output_tokens: 2, service_tier: 'standard' };
    const expected = { inputTokens: 477, cachedInputTokens: 5, outputTokens: 89, serviceTier: 'standard' };
    expect(mergeMessagesUsage(start, { output_tokens: 89 })).toMatchObject(expected);
    expect(
      mergeMessagesUsage(start, { input_tokens: 0, cache_read_input_tokens: null, output_tokens: 89 }),
    ).toMatchObject(expected);
    expect(
      mergeMessagesUsage({ input_tokens: 0, output_tokens: 0 }, { input_tokens: 472, output_tokens: 89 }),
    ).toMatchObject({
      inputTokens: 472,
      outputTokens: 89,
    });
    expect(mergeMessagesUsage(start, undefined)).toMatchObject({ outputTokens: 2 });
    expect(mergeMessagesUsage(undefined, { output_tokens: 89 })).toBeNull();
  });
});

it('reads the Responses API', () => {
  const usage = {
    input_tokens: 36,
    input_tokens_details: { cached_tokens: 10, cache_write_tokens: 20 },
    output_tokens: 87,
    output_tokens_details: { reasoning_tokens: 64 },
    total_tokens: 123,
  };
  expect(usageFromResponses(usage, 'default')).toEqual({
    ...noUsage,
    inputTokens: 36,
    cachedInputTokens: 10,
    cacheWriteTokens: 20,
    outputTokens: 87,
    reasoningTokens: 64,
    serviceTier: 'default',
  });
  expect(usageFromResponses(null)).toBeNull();
});

it('reads embeddings, which have no output', () => {
  expect(usageFromEmbeddings({ prompt_tokens: 8, total_tokens: 8 })).toEqual({ ...noUsage, inputTokens: 8 });
  expect(usageFromEmbeddings({ total_tokens: 8 })).toEqual({ ...noUsage, inputTokens: 8 });
  expect(usageFromEmbeddings({})).toBeNull();
});

it.each([
  [{ cost: 0.0027 }, 0.0027],
  [{ cost: 0, is_byok: false }, 0],
  [{ cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: 0.02 } }, 0.021],
  [{ cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: null } }, null],
  [{ cost_in_usd_ticks: 37_756_000 }, 0.0037756],
  [{ cost: -1 }, null],
  [{ cost: { total_cost: 1 } }, null],
  [{ prompt_tokens: 9 }, null],
  [null, null],
])('of %j the reported cost is %s USD', (usage, expected) => {
  expect(reportedCostUsd(usage)).toBe(expected);
});

describe('whatever a provider sends', () => {
  const count = fc.oneof(fc.nat(1000), fc.constantFrom(null, -1, 1.5, 1e300, NaN, '7', true));
  const names = [
    'prompt_tokens',
    'completion_tokens',
    'input_tokens',
    'output_tokens',
    'total_tokens',
    'cached_tokens',
    'cache_write_tokens',
    'audio_tokens',
    'reasoning_tokens',
    'thinking_tokens',
    'prompt_cache_hit_tokens',
    'cache_read_input_tokens',
    'cache_creation_input_tokens',
    'ephemeral_5m_input_tokens',
    'ephemeral_1h_input_tokens',
  ];
  const details = [
    'prompt_tokens_details',
    'completion_tokens_details',
    'input_tokens_details',
    'output_tokens_details',
  ];
  const counts = fc.dictionary(fc.constantFrom(...names), count);
  const usage = fc
    .tuple(counts, fc.dictionary(fc.constantFrom(...details, 'cache_creation'), fc.oneof(counts, fc.jsonValue())))
    .map(([totals, parts]) => ({ ...totals, ...parts }));
  const readers = [usageFromChat, usageFromResponses, usageFromMessages, usageFromEmbeddings];

  it('counts are whole, never negative, and parts within their whole', () => {
    fc.assert(
      fc.property(fc.oneof(usage, fc.jsonValue()), fc.constantFrom(...readers), (value, read) => {
        const found = read(value);
        if (found === null) return;
        const { serviceTier: _tier, ...tokens } = found;
        for (const [name, tokenCount] of Object.entries(tokens)) {
          expect(Number.isSafeInteger(tokenCount) && tokenCount >= 0, `${name} ${tokenCount}`).toBe(true);
        }
        expect(found.cachedInputTokens + found.cacheWriteTokens).toBeLessThanOrEqual(found.inputTokens);
        expect(found.longCacheWriteTokens).toBeLessThanOrEqual(found.cacheWriteTokens);
        expect(found.audioInputTokens).toBeLessThanOrEqual(found.inputTokens);
        expect(Math.max(found.reasoningTokens, found.audioOutputTokens)).toBeLessThanOrEqual(found.outputTokens);
      }),
      { numRuns: 1000 },
    );
  });
});
