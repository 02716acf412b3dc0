import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evidenceScore, type EvidenceWindow, nextScore, type ThresholdRule } from './threshold.ts';

const rule: ThresholdRule = { successThreshold: 0.95, slowMs: 2000, minLatencies: 30 };
const score = fc.double({ min: 0, max: 5, noNaN: true });
const evidence = fc
  .record({
    samples: fc.integer({ min: 1, max: 100_000 }),
    rate: fc.double({ min: 0, max: 1, noNaN: true }),
    latencies: fc.nat({ max: 1000 }),
    meanLatencyMs: fc.option(fc.double({ min: 0, max: 100_000, noNaN: true })),
  })
  .map(({ rate, ...rest }): EvidenceWindow => ({ ...rest, successes: Math.round(rate * rest.samples) }));

function windowOf(samples: number, successes: number, meanLatencyMs: number | null = null): EvidenceWindow {
  return { samples, successes, latencies: meanLatencyMs === null ? 0 : successes, meanLatencyMs };
}

/** The score after learning again and again from windows of the same kind. */
function settle(from: number, catalogueScore: number, window: EvidenceWindow): number[] {
  const path = [from];
  for (let tick = 0; tick < 40; tick += 1) {
    path.push(nextScore(path.at(-1) ?? Number.NaN, catalogueScore, window, rule));
  }
  return path;
}

describe('nextScore', () => {
  it.each([
    // current, catalogue, window, next
    [4.2, 4.2, windowOf(104, 101, 840), 4.5], // towards 4.82
    [4.2, 4.2, windowOf(100, 100), 4.5], // no latencies: still towards 4.93
    [4.9, 4.2, windowOf(100, 97, 840), 4.9], // well above the threshold: not lowered, although the evidence says 4.75
    [4.9, 4.2, windowOf(100, 97, 9000), 4.8], // only slowness lowers it
    [4.2, 4.2, windowOf(100, 60, 840), 3.9],
    [2.5, 2.5, windowOf(100, 94, 840), 2.5], // below the threshold: not raised, although the evidence says 4.4
    [2.5, 2.5, windowOf(100, 95, 840), 2.5], // at the threshold is not above it
    [0.1, 0, windowOf(1000, 0, 840), 0],
    [4.1200000001, 2.5, windowOf(100, 94), 4.1200000001], // no step: not even to the next hundredth
  ])('from %d (catalogue %d) to the right score, case %#', (current, catalogueScore, window, expected) => {
    expect(nextScore(current, catalogueScore, window, rule)).toBe(expected);
  });

  it('moves by at most 0.3, stays in [0, 5] and has two decimals', () => {
    fc.assert(
      fc.property(score, score, evidence, (current, catalogueScore, window) => {
        const next = nextScore(current, catalogueScore, window, rule);
        expect(Math.abs(next - current)).toBeLessThanOrEqual(0.3 + 1e-9);
        expect(next).toBeGreaterThanOrEqual(0);
        expect(next).toBeLessThanOrEqual(5);
        expect([current, Number(next.toFixed(2))]).toContain(next);
        expect(next === current || Math.abs(next - current) >= 0.01 - 1e-9).toBe(true);
      }),
    );
  });

  it('converges to a fixed point that lies between where it started and what the evidence says', () => {
    fc.assert(
      fc.property(score, score, evidence, (from, catalogueScore, window) => {
        const path = settle(from, catalogueScore, window);
        const end = path.at(-1) ?? Number.NaN;
        expect(nextScore(end, catalogueScore, window, rule)).toBe(end);
        const evidenceSays = evidenceScore(catalogueScore, window);
        expect(end).toBeGreaterThanOrEqual(Math.min(from, evidenceSays - 0.1) - 0.01);
        expect(end).toBeLessThanOrEqual(Math.max(from, evidenceSays + 0.1) + 0.01);
      }),
    );
  });

  it('does not run into the bounds at a constant success rate', () => {
    expect(settle(2.5, 2.5, windowOf(100, 97, 840)).at(-1)).toBeCloseTo(evidenceScore(2.5, windowOf(100, 97)) + 0.1, 1);
    expect(settle(4.5, 4.5, windowOf(100, 80, 5000)).at(-1)).toBeCloseTo(
      evidenceScore(4.5, windowOf(100, 80)) - 0.1,
      1,
    );
  });

  it('never lowers a fast model that is above the threshold, and never raises one that is not', () => {
    fc.assert(
      fc.property(score, score, evidence, (current, catalogueScore, window) => {
        const next = nextScore(current, catalogueScore, window, rule);
        const doingWell = window.successes / window.samples > rule.successThreshold;
        const slow = window.latencies >= 30 && (window.meanLatencyMs ?? 0) > 2000;
        expect(next).toBeGreaterThanOrEqual(current - (doingWell ? (slow ? 0.1 : 0) : 0.3) - 1e-9);
        expect(next).toBeLessThanOrEqual(current + (doingWell ? 0.3 : 0) + 1e-9);
      }),
    );
  });

  it('is the identity for a score that the evidence confirms', () => {
    expect(evidenceScore(3.3, { samples: 0, successes: 0 })).toBeCloseTo(3.3, 9);
  });
});
