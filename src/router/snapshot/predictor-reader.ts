import { messageOf } from '../../platform/core/errors.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { findNewestPredictor, readPredictor } from '../../platform/store/predictors.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import { decodePredictorApart } from '../../prediction/encode.ts';
import type { CentredPredictor } from '../../prediction/shifts.ts';

/** The predictor that central trained last; none where that was retired, or cannot be read. */
export interface PredictorReader {
  current(): CentredPredictor | null;
  /** Looks whether there is another. */
  read(): Promise<void>;
}

export function createPredictorReader(pool: Pool, log: Logger): PredictorReader {
  let current: CentredPredictor | null = null;
  /** The version that was read last, whether it could be used or not. */
  let seen = 0;

  return {
    current: () => current,
    async read() {
      const newest = await findNewestPredictor(pool);
      if (newest === undefined || newest.isRetired) {
        current = null;
        seen = 0;
        return;
      }
      if (newest.version === seen) return;
      const content = await readPredictor(pool, newest.version);
      if (content === undefined) return;
      seen = newest.version;
      try {
        const decoded = await decodePredictorApart(content);
        // Meanwhile there may be a newer one, or it may be retired.
        if (seen === newest.version) current = decoded;
      } catch (error) {
        current = null;
        log.error({ version: newest.version, reason: messageOf(error) }, 'a predictor cannot be used');
      }
    },
  };
}
