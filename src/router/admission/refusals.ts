import { SignalboxError } from '../../platform/core/errors.ts';
import type { BudgetAnswer } from '../../platform/store/budget-leases.ts';
import type { LimitRef } from '../../platform/store/virtual-keys.ts';
import type { RateState } from './rate-limit.ts';

/** A time in OpenAI's form: `120ms`, `6s`, `1m0s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.ceil(ms))}ms`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

/** `x-ratelimit-*` headers, as OpenAI has them, of one kind. */
export function rateHeaders(kind: 'requests' | 'tokens', state: RateState): Record<string, string> {
  return {
    [`x-ratelimit-limit-${kind}`]: String(state.limit),
    [`x-ratelimit-remaining-${kind}`]: String(Math.floor(state.remaining)),
    [`x-ratelimit-reset-${kind}`]: formatDuration(state.resetMs),
  };
}

/** 429: the share of the window is used up, or the request is larger than any window. */
export function rateLimited(
  { kind, scope }: LimitRef,
  needed: number,
  state: RateState,
  headers: Readonly<Record<string, string>>,
): SignalboxError {
  const limit = `the limit of the ${scope} is ${state.limit} ${kind} a minute`;
  const message =
    needed > state.limit
      ? `${limit} and the request may use ${needed}; send less, or a smaller max_tokens`
      : `${limit}; it allows ${kind === 'requests' ? 'the next request' : 'more'} in ${formatDuration(state.resetMs)}`;
  return new SignalboxError('rate_limited', message, {
    headers: { ...headers, 'retry-after': String(Math.max(1, Math.ceil(state.resetMs / 1000))) },
  });
}

/** 402: less of the budget is left than the request may cost. */
export function budgetExceeded(
  scope: LimitRef['scope'],
  neededUsd: number,
  budget: BudgetAnswer,
  headers: Readonly<Record<string, string>>,
): SignalboxError {
  const per = budget.period === 'total' ? '' : ` a ${budget.period}`;
  const resets = budget.resetsAt === null ? 'it does not reset' : `it resets at ${budget.resetsAt.toISOString()}`;
  const left = budget.limitUsd - budget.spentUsd;
  const held =
    neededUsd <= left ? `, ${usd(left - budget.remainingUsd)} of the rest is held for requests under way` : '';
  return new SignalboxError(
    'budget_exceeded',
    `the budget of the ${scope} is ${usd(budget.limitUsd)}${per} and ${usd(budget.spentUsd)} is spent${held}; ` +
      `the request may cost ${usd(neededUsd)}; ${resets}`,
    { headers: { ...headers } },
  );
}

function usd(amount: number): string {
  return `${Number(amount.toPrecision(6))} USD`;
}

export function notReady(cause?: unknown): SignalboxError {
  return new SignalboxError('not_ready', 'the limits of the key cannot be checked: PostgreSQL does not answer', {
    headers: { 'retry-after': '1' },
    cause,
  });
}
