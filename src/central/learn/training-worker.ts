/** Trains apart from central: it takes seconds, in which events are to be consumed. */
import { parentPort, workerData } from 'node:worker_threads';
import { encodePredictor } from '../../prediction/encode.ts';
import { type Example, trainOn } from './training.ts';

export interface TrainingOrder {
  version: number;
  examples: readonly Example[];
}

const { version, examples } = workerData as TrainingOrder;
parentPort?.postMessage(encodePredictor(trainOn(examples, version)));
