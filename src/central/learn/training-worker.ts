/** Trains apart from central: it takes seconds, in which events are to be consumed and requests answered. */
import { parentPort, workerData } from 'node:worker_threads';
import { createPool, type Pool } from '../../platform/postgres/pool.ts';
import { createFeatureScrambler } from '../../platform/security/feature-scrambler.ts';
import { listLoggedOutcomes } from '../../platform/store/logged-outcomes.ts';
import { nextPredictorVersion, readFeatureSalt } from '../../platform/store/predictors.ts';
import { silentLogger } from '../../platform/telemetry/logger.ts';
import { encodePredictor } from '../../prediction/encode.ts';
import { worthOf } from '../aggregate/evidence-changes.ts';
import type { Trained, TrainingOrder } from './train-in-thread.ts';
import { type Example, trainOn } from './training.ts';

async function train(pool: Pool, { masterKey, minOutcomes, maxOutcomes }: TrainingOrder): Promise<Trained | null> {
  const { key, unscramble } = createFeatureScrambler(await readFeatureSalt(pool), masterKey);
  const examples = (await listLoggedOutcomes(pool, key, maxOutcomes)).flatMap((logged): Example[] => {
    const worth = worthOf(logged);
    const { model, complexity } = logged;
    return worth === null ? [] : [{ features: unscramble(logged.features), model, complexity, worth }];
  });
  if (examples.length < minOutcomes) return null;
  const version = await nextPredictorVersion(pool);
  return { version, examples: examples.length, content: encodePredictor(trainOn(examples, version)) };
}

const order = workerData as TrainingOrder;
const pool = createPool({
  connectionString: order.connectionString,
  applicationName: 'signalbox trainer',
  max: 1,
  log: silentLogger(),
});
try {
  parentPort?.postMessage(await train(pool, order));
} finally {
  await pool.end();
}
