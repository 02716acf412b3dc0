import { type BudgetAnswer, type BudgetExchange, exchangeBudgetLeases } from '../../platform/store/budget-leases.ts';
import { exchangeRateLimits, type RateExchange } from '../../platform/store/rate-limits.ts';
import type { LimitRef } from '../../platform/store/virtual-keys.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { type Account, type Demand, type LeaseTimes, noDemand } from './account.ts';
import { type BudgetLease, createBudgetLease } from './budget-lease.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';

/** What this instance holds of every limit that was asked for lately. */
export interface Accounts {
  of(ref: LimitRef): Account;
  budget(id: string): BudgetAnswer | null;
  rate(id: string): RateLimit | undefined;
  /**
   * Says to PostgreSQL what there is to say, in one statement for all budgets and one for all rates. Answers whether more
   * is left to be said.
   *
   * @throws the error of the statement that failed, after both have ended.
   */
  exchange(demands: ReadonlyMap<string, Demand>, closing?: boolean): Promise<boolean>;
}

export interface AccountsOptions {
  pool: Pool;
  /** Of this process; leases are held under it. */
  holder: string;
  instanceId: string;
  leaseMs: number;
  times: LeaseTimes;
  nowMs(): number;
}

/** Limits in one statement, at the most. */
const batchLimit = 500;

export function createAccounts({ pool, holder, instanceId, leaseMs, times, nowMs }: AccountsOptions): Accounts {
  const budgets = new Map<string, BudgetLease>();
  const rates = new Map<string, RateLimit>();

  async function exchangeBudgets(exchanges: readonly BudgetExchange[]): Promise<void> {
    if (exchanges.length === 0) return;
    const answers = await exchangeBudgetLeases(pool, { holder, instanceId, leaseMs }, exchanges);
    const now = nowMs();
    for (const answer of answers) budgets.get(answer.budgetId)?.answered(answer, now);
    const existing = new Set(answers.map((answer) => answer.budgetId));
    for (const { budgetId } of exchanges) if (!existing.has(budgetId)) budgets.get(budgetId)?.removed();
  }

  async function exchangeRates(exchanges: readonly RateExchange[]): Promise<void> {
    if (exchanges.length === 0) return;
    const sentMs = nowMs();
    const answers = await exchangeRateLimits(pool, exchanges);
    const now = nowMs();
    for (const answer of answers) rates.get(answer.rateLimitId)?.answered(answer, sentMs, now);
    const existing = new Set(answers.map((answer) => answer.rateLimitId));
    for (const { rateLimitId } of exchanges) if (!existing.has(rateLimitId)) rates.get(rateLimitId)?.removed();
  }

  /** Those who are waited for come first. */
  function collect<E>(
    accounts: Map<string, Account & { next(demand: Demand, now: number, closing: boolean): E | null }>,
    demands: ReadonlyMap<string, Demand>,
    closing: boolean,
  ): E[] {
    const now = nowMs();
    const exchanges: E[] = [];
    function add(id: string): void {
      const exchange =
        exchanges.length < batchLimit ? accounts.get(id)?.next(demands.get(id) ?? noDemand, now, closing) : null;
      if (exchange != null) exchanges.push(exchange);
    }
    for (const id of demands.keys()) add(id);
    for (const [id, account] of accounts) {
      if (demands.has(id)) continue;
      if (account.isForgettable(now)) accounts.delete(id);
      else add(id);
    }
    return exchanges;
  }

  return {
    of({ id, kind }) {
      const known = kind === 'budget' ? budgets.get(id) : rates.get(id);
      if (known !== undefined) return known;
      if (kind === 'budget') {
        const lease = createBudgetLease(id, times);
        budgets.set(id, lease);
        return lease;
      }
      const limit = createRateLimit(id, times);
      rates.set(id, limit);
      return limit;
    },
    budget: (id) => budgets.get(id)?.known() ?? null,
    rate: (id) => rates.get(id),
    async exchange(demands, closing = false) {
      const ofBudgets = collect(budgets, demands, closing);
      const ofRates = collect(rates, demands, closing);
      const ended = await Promise.allSettled([exchangeBudgets(ofBudgets), exchangeRates(ofRates)]);
      for (const result of ended) if (result.status === 'rejected') throw result.reason;
      return ofBudgets.length === batchLimit || ofRates.length === batchLimit;
    },
  };
}
