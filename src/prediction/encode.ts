import { z } from 'zod';
import { complexities } from '../contracts/query-class.ts';
import { pack, unpack, unpackApart, type Unpacked } from './packed.ts';
import { contrastsOf } from './familiarity.ts';
import { arraysOf, readMatrix } from './quantised-matrix.ts';
import type { CentredPredictor } from './shifts.ts';

const format = 'signalbox predictor 2';

const headerSchema = z.object({
  format: z.literal(format),
  version: z.int().min(0),
  models: z.array(z.string()).max(2000),
  topics: z.int().min(1).max(1000),
});

/** A predictor as bytes, with a checksum. */
export function encodePredictor({ version, predictor, centres }: CentredPredictor): Buffer {
  const { topics, weights, models, modelMeans, topicMeans, topicEvidence } = predictor;
  const header: z.infer<typeof headerSchema> = { format, version, models: [...models], topics };
  return pack(header, [centres, modelMeans, topicMeans, topicEvidence, ...arraysOf(weights)]);
}

/** The inverse of `encodePredictor`. @throws DamagedPredictor */
export function decodePredictor(bytes: Uint8Array): CentredPredictor {
  return readPredictor(unpack(bytes, headerSchema));
}

/** The same for whoever has requests to answer meanwhile. */
export async function decodePredictorApart(bytes: Uint8Array): Promise<CentredPredictor> {
  return readPredictor(await unpackApart(bytes, headerSchema));
}

function readPredictor({ header, arrays }: Unpacked<z.infer<typeof headerSchema>>): CentredPredictor {
  const { version, models, topics } = header;
  const centres = arrays.floats(models.length * complexities.length);
  const modelMeans = arrays.floats(models.length);
  const topicMeans = arrays.floats(models.length * topics);
  return {
    version,
    centres,
    predictor: {
      topics,
      models,
      modelMeans,
      topicMeans,
      contrasts: contrastsOf(topics, modelMeans, topicMeans),
      topicEvidence: arrays.floats(models.length * topics),
      weights: readMatrix(arrays, topics + models.length),
    },
  };
}
