import { z } from 'zod';
import { complexities } from '../contracts/query-class.ts';
import { sparseLength } from '../statistics/sparse.ts';
import { pack, unpack } from './packed.ts';
import type { CentredPredictor } from './shifts.ts';

const format = 'signalbox predictor 1';

const headerSchema = z.object({
  format: z.literal(format),
  version: z.int().min(0),
  models: z.array(z.string()).max(2000),
  topics: z.int().min(1).max(1000),
});

/** A predictor as bytes, with a checksum. */
export function encodePredictor({ version, predictor, centres }: CentredPredictor): Buffer {
  const { topics, models, modelMeans, topicMeans, topicEvidence, residuals } = predictor;
  const header: z.infer<typeof headerSchema> = { format, version, models: [...models], topics: topics.weights.columns };
  return pack(header, [
    centres,
    modelMeans,
    topicMeans,
    topicEvidence,
    topics.weights.scales,
    residuals.scales,
    topics.weights.values,
    residuals.values,
  ]);
}

/** The inverse of `encodePredictor`. @throws DamagedPredictor */
export function decodePredictor(bytes: Uint8Array): CentredPredictor {
  const { header, arrays } = unpack(bytes, headerSchema);
  const { version, models, topics } = header;
  const centres = arrays.floats(models.length * complexities.length);
  const modelMeans = arrays.floats(models.length);
  const topicMeans = arrays.floats(models.length * topics);
  const topicEvidence = arrays.floats(models.length * topics);
  const topicScales = arrays.floats(topics);
  const residualScales = arrays.floats(models.length);
  const weights = { columns: topics, scales: topicScales, values: arrays.integers(topics * sparseLength) };
  const residuals = {
    columns: models.length,
    scales: residualScales,
    values: arrays.integers(models.length * sparseLength),
  };
  return {
    version,
    centres,
    predictor: { topics: { weights }, models, modelMeans, topicMeans, topicEvidence, residuals },
  };
}
