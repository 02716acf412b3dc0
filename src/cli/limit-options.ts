import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Budget, type BudgetPeriod, budgetPeriodSchema, type NewBudget } from '../contracts/keys.ts';
import { StartupError } from '../platform/core/errors.ts';
import { integer } from './options.ts';

/** What an option sets, or `none`, which takes it away. Commander has a meaning of its own for null. */
export type OrNone<T> = T | 'none';

/** What `keys` and `teams` both let people limit. */
export interface LimitOptions {
  budget?: OrNone<number>;
  period?: BudgetPeriod;
  rpm?: OrNone<number>;
  tpm?: OrNone<number>;
}

/** A parser of what `parse` takes, and of `none` and other words for it. */
export function orNone<T>(parse: (text: string) => T, ...words: string[]): (text: string) => OrNone<T> {
  return (text) => (text === 'none' || words.includes(text) ? 'none' : parse(text));
}

/** As the API has it. */
export const fromNone = <T>(value: OrNone<T>): T | null => (value === 'none' ? null : value);

export function withLimitOptions(command: Command): Command {
  const perMinute = orNone(integer(1, 1_000_000_000_000));
  return command
    .option('--budget <usd>', 'most that may be spent, in USD, or none', orNone(usd))
    .addOption(
      new Option('--period <period>', 'after which the budget begins anew').choices(budgetPeriodSchema.options),
    )
    .option('--rpm <count>', 'requests a minute, or none', perMinute)
    .option('--tpm <count>', 'tokens a minute, input and output together, or none', perMinute);
}

/**
 * The fields of a request's body.
 *
 * @throws StartupError for a period without a budget where there is none to keep.
 */
export function limitFields(
  options: LimitOptions,
  present: Budget | null,
): { budget?: NewBudget | null; requests_per_minute?: number | null; tokens_per_minute?: number | null } {
  const limitUsd = options.budget === undefined ? present?.limit_usd : fromNone(options.budget);
  const isChanged = options.budget !== undefined || options.period !== undefined;
  if (isChanged && limitUsd == null && options.period !== undefined) throw new StartupError('--period needs --budget');
  const budget =
    limitUsd == null ? null : { limit_usd: limitUsd, period: options.period ?? present?.period ?? ('total' as const) };
  return {
    ...(isChanged ? { budget } : {}),
    ...(options.rpm === undefined ? {} : { requests_per_minute: fromNone(options.rpm) }),
    ...(options.tpm === undefined ? {} : { tokens_per_minute: fromNone(options.tpm) }),
  };
}

function usd(text: string): number {
  const amount = Number(text.replace(/^\$/, ''));
  if (text.trim() === '' || !Number.isFinite(amount) || amount < 0) {
    throw new InvalidArgumentError('must be an amount in USD, such as 10 or 0.50, or none.');
  }
  return amount;
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `30d`, `12h`, `2026-12-31` or a whole time, as an ISO time. */
export function expiry(text: string): string {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  const timeMs = count === undefined ? Date.parse(text) : Date.now() + Number(count) * (unitMs[unit ?? ''] ?? 0);
  const isDate = count !== undefined || /^\d{4}-\d\d-\d\d/.test(text);
  if (!isDate || Number.isNaN(timeMs)) {
    throw new InvalidArgumentError('must be a time from now, such as 30d or 12h, a date such as 2026-12-31, or never.');
  }
  return new Date(timeMs).toISOString();
}

/** `24h`, in seconds. */
export function graceSeconds(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  if (count === '') throw new InvalidArgumentError('must be a time such as 24h or 7d.');
  return (Number(count) * (unitMs[unit] ?? 0)) / 1000;
}

/** `gpt-*,claude-*`. */
export function modelPatterns(text: string): string[] {
  const patterns = text
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '');
  if (patterns.length === 0) throw new InvalidArgumentError("must be models such as 'gpt-*,claude-*', or all.");
  return patterns;
}

/** Cells of a table: budget, spent, left, requests and tokens a minute. */
export const limitHeader = ['BUDGET', 'SPENT', 'LEFT', 'RPM', 'TPM'];

export function limitCells(limits: {
  budget: Budget | null;
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
}): string[] {
  const { budget } = limits;
  const per = budget === null || budget.period === 'total' ? '' : `/${budget.period}`;
  return [
    budget === null ? '-' : `${dollars(budget.limit_usd)}${per}`,
    budget === null ? '-' : dollars(budget.spent_usd),
    budget === null ? '-' : dollars(budget.remaining_usd),
    String(limits.requests_per_minute ?? '-'),
    String(limits.tokens_per_minute ?? '-'),
  ];
}

/** Lines of one key's or team's limits. */
export function limitLines(limits: Parameters<typeof limitCells>[0]): Array<[string, string]> {
  const { budget } = limits;
  const rates: Array<[string, string]> = [
    ['requests', limits.requests_per_minute === null ? 'no limit' : `${limits.requests_per_minute} a minute`],
    ['tokens', limits.tokens_per_minute === null ? 'no limit' : `${limits.tokens_per_minute} a minute`],
  ];
  if (budget === null) return [['budget', 'no limit'], ...rates];
  const per = budget.period === 'total' ? 'in total' : `a ${budget.period}`;
  const forfeited = budget.forfeited_usd > 0 ? `, of it forfeited: ${dollars(budget.forfeited_usd)}` : '';
  return [
    ['budget', `${dollars(budget.limit_usd)} ${per}`],
    ['spent', `${dollars(budget.spent_usd)}${forfeited}`],
    ['held', `${dollars(budget.leased_usd)} for requests under way`],
    ['left', dollars(budget.remaining_usd)],
    ['resets', budget.period_ends_at ?? 'never'],
    ...rates,
  ];
}

function dollars(amount: number): string {
  return `$${amount === 0 || amount >= 1 ? amount.toFixed(2) : Number(amount.toPrecision(3))}`;
}
