import { expect, it } from 'vitest';
import { budgetExceeded, formatDuration, rateLimited } from './refusals.ts';

it('writes durations as OpenAI does', () => {
  const times = [-5, 0, 0.2, 120, 999.5, 1000, 5999, 59_001, 60_000, 61_500];
  expect(times.map(formatDuration)).toEqual([
    '0ms',
    '0ms',
    '1ms',
    '120ms',
    '1000ms',
    '1s',
    '6s',
    '1m0s',
    '1m0s',
    '1m2s',
  ]);
});

it('says when to come again, in whole seconds and never at once', () => {
  const ref = { id: 'r', kind: 'tokens', scope: 'team' } as const;
  const refusal = rateLimited(
    ref,
    10,
    { limit: 100, remaining: 0, resetMs: 20 },
    { 'x-ratelimit-limit-tokens': '100' },
  );
  expect(refusal.headers).toEqual({ 'x-ratelimit-limit-tokens': '100', 'retry-after': '1' });
  expect(refusal.message).toBe('the limit of the team is 100 tokens a minute; it allows more in 20ms');
});

it('tells money that is spent from money that is held', () => {
  const budget = {
    budgetId: 'b',
    heldUsd: 0,
    lost: false,
    limitUsd: 10,
    period: 'month',
    spentUsd: 7,
    remainingUsd: 1,
    resetsAt: new Date('2026-12-01'),
  } as const;
  expect(budgetExceeded('team', 2, budget, {}).message).toBe(
    'the budget of the team is 10 USD a month and 7 USD is spent, 2 USD of the rest is held for requests under way; ' +
      'the request may cost 2 USD; it resets at 2026-12-01T00:00:00.000Z',
  );
  expect(budgetExceeded('key', 4, { ...budget, period: 'total', resetsAt: null }, {}).message).toBe(
    'the budget of the key is 10 USD and 7 USD is spent; the request may cost 4 USD; it does not reset',
  );
});
