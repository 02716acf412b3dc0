import { createHash } from 'node:crypto';

/** 95th percentile of the standard normal distribution. */
const normalP95 = 1.6448536269514722;

/** A reproducible source of randomness: equal seeds give equal sequences, on every machine. Not for secrets. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** Uniform integer in [0, maxExclusive); `RangeError` unless `maxExclusive` is a positive safe integer. */
  int(maxExclusive: number): number;
  /** True with probability `probability`; at or below 0 never, at or above 1 always. */
  chance(probability: number): boolean;
  /** One item, uniformly; `RangeError` for an empty list. */
  pick<T>(items: readonly T[]): T;
  /** Standard normal: mean 0, variance 1. */
  normal(): number;
  /** Log-normal with the given median (> 0) and 95th percentile (>= median), in the unit of both. */
  logNormal(median: number, p95: number): number;
  /** Exponential with the given mean (> 0), in the mean's unit. */
  exponential(mean: number): number;
}

/**
 * xoshiro128**, version 1.1: 32 bits per call, period 2^128 − 1. The four words of `state` must not all be 0.
 *
 * David Blackman and Sebastiano Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM Transactions on
 * Mathematical Software 47(4), 2021, https://doi.org/10.1145/3460772; reference code https://prng.di.unimi.it.
 */
export function createXoshiro128(state: readonly [number, number, number, number]): () => number {
  let [a, b, c, d] = state;
  return function next32(): number {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
}

/** Seeds xoshiro128** with the first 128 bits of the SHA-256 of the seed's text; `7` and `'7'` are one seed. */
export function createRandom(seed: number | string): Random {
  const digest = createHash('sha256').update(String(seed)).digest();
  const next32 = createXoshiro128([
    digest.readUInt32LE(0),
    digest.readUInt32LE(4),
    digest.readUInt32LE(8),
    digest.readUInt32LE(12),
  ]);

  function next(): number {
    return ((next32() >>> 5) * 0x4000000 + (next32() >>> 6)) / 0x20000000000000;
  }

  function int(maxExclusive: number): number {
    if (!Number.isSafeInteger(maxExclusive) || maxExclusive < 1) {
      throw new RangeError(`maxExclusive must be a positive integer, not ${maxExclusive}`);
    }
    return Math.floor(next() * maxExclusive);
  }

  /** Box–Muller; 1 − next() lies in (0, 1], so that the logarithm is finite. */
  function normal(): number {
    return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  }

  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new RangeError('cannot pick from an empty list');
      return items[int(items.length)] as T;
    },
    normal,
    logNormal: (median, p95) => median * Math.exp((normal() * Math.log(p95 / median)) / normalP95),
    exponential: (mean) => -mean * Math.log(1 - next()),
  };
}
