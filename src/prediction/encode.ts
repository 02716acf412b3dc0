import { createHash } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import { complexities } from '../contracts/query-class.ts';
import { sparseLength } from '../statistics/sparse.ts';
import type { QuantisedMatrix } from './quantised-matrix.ts';
import type { CentredPredictor } from './shifts.ts';

const format = 'signalbox predictor 1';
const checksumBytes = 32;
/** No predictor is longer than this when unpacked; more is no predictor. */
const mostBytes = 512 * 1024 * 1024;

const headerSchema = z.object({
  format: z.literal(format),
  version: z.int().min(0),
  models: z.array(z.string()).max(2000),
  topics: z.int().min(1).max(1000),
});

/** Bytes are no predictor, or not as they were written. */
export class DamagedPredictor extends Error {
  override name = 'DamagedPredictor';
}

/**
 * A predictor as bytes: the SHA-256 of the rest, then, deflated, the length of a JSON header, the header, and the arrays one
 * after the other, little-endian.
 */
export function encodePredictor({ version, predictor, centres }: CentredPredictor): Buffer {
  const { topics, models, topicMeans, topicEvidence, residuals } = predictor;
  const header = Buffer.from(JSON.stringify({ format, version, models, topics: topics.weights.columns }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const arrays = [
    centres,
    topicMeans,
    topicEvidence,
    topics.weights.scales,
    residuals.scales,
    topics.weights.values,
    residuals.values,
  ].map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength));
  const packed = deflateSync(Buffer.concat([length, header, ...arrays]));
  return Buffer.concat([createHash('sha256').update(packed).digest(), packed]);
}

/** The inverse of `encodePredictor`. @throws DamagedPredictor */
export function decodePredictor(bytes: Uint8Array): CentredPredictor {
  const packed = bytes.subarray(checksumBytes);
  if (!createHash('sha256').update(packed).digest().equals(bytes.subarray(0, checksumBytes))) {
    throw new DamagedPredictor('the checksum of the predictor does not match');
  }
  const content = inflateSync(packed, { maxOutputLength: mostBytes });
  const headerEnd = 4 + content.readUInt32LE(0);
  const header = headerSchema.safeParse(JSON.parse(content.toString('utf8', 4, headerEnd)));
  if (!header.success) throw new DamagedPredictor('the predictor is of a format that this version does not know');
  const { version, models, topics } = header.data;

  let offset = headerEnd;
  /** A copy, so that it begins where its type may begin. */
  const take = (length: number): ArrayBuffer => {
    const part = content.subarray(offset, offset + length);
    if (part.length < length) throw new DamagedPredictor('the predictor is too short');
    offset += length;
    return new Uint8Array(part).buffer;
  };
  const floats = (count: number): Float32Array => new Float32Array(take(4 * count));
  const centres = floats(models.length * complexities.length);
  const topicMeans = floats(models.length * topics);
  const topicEvidence = floats(models.length * topics);
  const topicScales = floats(topics);
  const residualScales = floats(models.length);
  const matrix = (columns: number, scales: Float32Array): QuantisedMatrix => ({
    columns,
    scales,
    values: new Int8Array(take(columns * sparseLength)),
  });
  const weights = matrix(topics, topicScales);
  const residuals = matrix(models.length, residualScales);
  return { version, centres, predictor: { topics: { weights }, models, topicMeans, topicEvidence, residuals } };
}
