import type { Live } from '../../platform/core/live.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { addShadowSpending, settleShadowSpending } from '../../platform/store/shadow-spending.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';

/**
 * What all routers together may spend in a day, in USD; days are those of UTC. It is asked of PostgreSQL each time, which
 * nobody waits for: copies are made after their users have been answered.
 */
export interface DailySpending {
  /**
   * Holds what something may cost, so that it counts as spent until it is settled, or for good where this process ends before.
   * Null where the day's rest is less; nothing is held then.
   *
   * Throws where the database does not answer.
   */
  hold(usd: number): Promise<SpendingHold | null>;
}

export interface SpendingHold {
  /**
   * What it did cost, once; null where that is unknown: then all that was held is spent. Later calls change nothing. Resolves
   * when the first one is written, or has failed: then, too, all that was held is spent.
   */
  settle(usd: number | null): Promise<void>;
}

export function createDailySpending(maxUsd: Live<number>, { pool, log }: { pool: Pool; log: Logger }): DailySpending {
  return {
    async hold(heldUsd) {
      const day = await addShadowSpending(pool, heldUsd, maxUsd());
      if (day === null) return null;
      let settled: Promise<void> | null = null;
      const write = async (usedUsd: number): Promise<void> => {
        try {
          await settleShadowSpending(pool, day, heldUsd, usedUsd);
        } catch (error) {
          log.warn({ err: error, held_usd: heldUsd, used_usd: usedUsd }, 'what a copy did not use stays spent');
        }
      };
      return { settle: (usd) => (settled ??= usd === null ? Promise.resolve() : write(usd)) };
    },
  };
}
