import type { Live } from '../../platform/core/live.ts';
import { type Pool, withTransaction } from '../../platform/postgres/pool.ts';
import { lockCatalogue, notifyCatalogue } from '../../platform/store/models.ts';
import { makeRefiner, measureRefiners, type RefinerMeasurement } from '../../platform/store/refiner-measurements.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';

/** The most that a refiner may cost, USD per million tokens, as in the registry's rule. */
const cheap = { inputUsdPerMillion: 1, outputUsdPerMillion: 5 };
const days = 7;
/** Calls before a median is believed. */
export const callsNeeded = 30;

export interface SweptModel extends RefinerMeasurement {
  /** Whether half of its answers begin within the budget; null while too few are known. */
  fits: boolean | null;
  proposal: string;
}

export interface Sweep {
  models: SweptModel[];
  /** How many were made refiners. */
  changed: number;
}

/**
 * Measures cheap models against the budget of a refinement, by the calls that were made of them anyway, and says which would
 * do as refiners. It makes them so itself only where `isAutomatic`, and never against an operator's word.
 */
export function createSweep(options: { pool: Pool; budgetMs: Live<number>; isAutomatic: Live<boolean>; log: Logger }) {
  const { pool, budgetMs, isAutomatic, log } = options;

  return async function sweep(): Promise<Sweep> {
    const measured = await measureRefiners(pool, { ...cheap, days });
    const models = measured.map((model) => ({ ...model, ...opinionOf(model, budgetMs()) }));
    const chosen = isAutomatic()
      ? models.filter(({ fits, isRefiner, isSpeedPinned }) => fits === true && !isRefiner && !isSpeedPinned)
      : [];
    if (chosen.length > 0) {
      await withTransaction(pool, async (db) => {
        await lockCatalogue(db);
        for (const model of chosen) await makeRefiner(db, model);
        await notifyCatalogue(db);
      });
      log.info({ models: chosen.map(({ provider, modelId }) => `${provider}/${modelId}`) }, 'made refiners');
    }
    return { models, changed: chosen.length };
  };
}

function opinionOf(model: RefinerMeasurement, budgetMs: number): Pick<SweptModel, 'fits' | 'proposal'> {
  const { calls, p50Ms, isRefiner } = model;
  if (p50Ms === null || calls < callsNeeded) {
    return { fits: null, proposal: `${calls} of ${callsNeeded} calls are measured: not known yet` };
  }
  const median = `half of its answers begin within ${Math.round(p50Ms)} ms of ${budgetMs} ms`;
  if (p50Ms < budgetMs) return { fits: true, proposal: `${median}: ${isRefiner ? 'stays' : 'would do as'} a refiner` };
  return { fits: false, proposal: `${median}: too slow${isRefiner ? ', though it is a refiner' : ''}` };
}
