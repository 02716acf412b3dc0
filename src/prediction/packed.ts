import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateSync, inflate, inflateSync } from 'node:zlib';
import type { z } from 'zod';

const checksumBytes = 32;
/** Nothing that is packed is longer than this when unpacked. */
const mostBytes = 512 * 1024 * 1024;

/** Bytes are no predictor or prior, or not as they were written. */
export class DamagedPredictor extends Error {
  override name = 'DamagedPredictor';
}

/** Arrays one after the other, as they were packed. @throws DamagedPredictor where fewer bytes are left than are asked for. */
export interface ArrayReader {
  floats(count: number): Float32Array;
  integers(count: number): Int8Array;
}

/**
 * A header and arrays as bytes: the SHA-256 of the rest, then, deflated, the length of the header, the header as JSON, and the
 * arrays one after the other, little-endian.
 */
export function pack(header: unknown, arrays: readonly (Float32Array | Int8Array)[]): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const contents = arrays.map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength));
  const packed = deflateSync(Buffer.concat([length, text, ...contents]));
  return Buffer.concat([createHash('sha256').update(packed).digest(), packed]);
}

export interface Unpacked<Header> {
  header: Header;
  arrays: ArrayReader;
}

/** The inverse of `pack`. @throws DamagedPredictor where a bit is another, or the header is not of the schema. */
export function unpack<Header>(bytes: Uint8Array, schema: z.ZodType<Header>): Unpacked<Header> {
  return readContent(inflateSync(checked(bytes), { maxOutputLength: mostBytes }), schema);
}

/** The same, inflated in another thread. */
export async function unpackApart<Header>(bytes: Uint8Array, schema: z.ZodType<Header>): Promise<Unpacked<Header>> {
  return readContent(await promisify(inflate)(checked(bytes), { maxOutputLength: mostBytes }), schema);
}

/** What comes after the checksum, if that is right. */
function checked(bytes: Uint8Array): Uint8Array {
  const packed = bytes.subarray(checksumBytes);
  if (createHash('sha256').update(packed).digest().equals(bytes.subarray(0, checksumBytes))) return packed;
  throw new DamagedPredictor('the checksum of the predictor does not match');
}

function readContent<Header>(content: Buffer, schema: z.ZodType<Header>): Unpacked<Header> {
  const headerEnd = 4 + content.readUInt32LE(0);
  const header = schema.safeParse(JSON.parse(content.toString('utf8', 4, headerEnd)));
  if (!header.success) throw new DamagedPredictor('the predictor is of a format that this version does not know');

  let offset = headerEnd;
  /** A copy, so that it begins where its type may begin. */
  const take = (length: number): ArrayBuffer => {
    const part = content.subarray(offset, offset + length);
    if (part.length < length) throw new DamagedPredictor('the predictor is too short');
    offset += length;
    return new Uint8Array(part).buffer;
  };
  return {
    header: header.data,
    arrays: {
      floats: (count) => new Float32Array(take(4 * count)),
      integers: (count) => new Int8Array(take(count)),
    },
  };
}
