/** What was observed of one (model, complexity) since it was last learned from. */
export interface EvidenceWindow {
  /** Outcomes other than cancelled ones. */
  samples: number;
  /** At most `samples`. */
  successes: number;
  /** Successes of which the response time is known. */
  latencies: number;
  /** Their mean; null where there are none. */
  meanLatencyMs: number | null;
}

export interface ThresholdRule {
  /** Success rate in [0, 1] above which a model is doing well. */
  successThreshold: number;
  /** Mean response time above which a model is slow. */
  slowMs: number;
  /** With fewer latencies than this, speed says nothing. */
  minLatencies: number;
}

/** A catalogue score c stands for a success rate of 0.5 + 0.098 c: 50% at 0 and 99% at 5. */
const rateAtZero = 0.5;
const ratePerPoint = 0.098;
/** How many outcomes the catalogue's score counts for. */
const priorStrength = 10;
const highestScore = 5;

const qualityStep = 0.2;
const speedStep = 0.1;
const largestStep = qualityStep + speedStep;

/**
 * The next score of a cell, in [0, 5] with at most two decimals where it differs from `current`. Pure.
 *
 * target = clip(s + v, 0, 5), of which
 * - s = clip((p̂ − 0.5) / 0.098, 0, 5) is what the success rate says, p̂ = (10·p₀ + successes) / (10 + samples) with the
 *   catalogue's p₀ = 0.5 + 0.098·catalogueScore, and
 * - v is −0.1 for a slow model, +0.1 for a fast one, 0 with fewer than `minLatencies` latencies.
 *
 * The score moves towards the target, by at most 0.3. A window above the success threshold lowers it at most for
 * slowness, by 0.1; one at or below the threshold never raises it. So, where the evidence stays the same:
 * 1. no step is larger than 0.3, and none goes beyond the target;
 * 2. the score runs monotonically to a fixed point, the target or where the threshold stops it, and not into 0 or 5.
 */
export function nextScore(
  current: number,
  catalogueScore: number,
  window: EvidenceWindow,
  rule: ThresholdRule,
): number {
  const speed = speedOffset(window, rule);
  const target = clip(evidenceScore(catalogueScore, window) + speed, 0, highestScore);
  const doingWell = window.samples > 0 && window.successes / window.samples > rule.successThreshold;
  const lowest = doingWell ? Math.min(speed, 0) : -largestStep;
  const highest = doingWell ? largestStep : 0;
  return inHundredths(current, clip(target - current, lowest, highest));
}

/** The success rate as a score, drawn towards the catalogue's while there are few samples. */
export function evidenceScore(catalogueScore: number, window: Pick<EvidenceWindow, 'samples' | 'successes'>): number {
  const priorRate = rateAtZero + ratePerPoint * catalogueScore;
  const rate = (priorStrength * priorRate + window.successes) / (priorStrength + window.samples);
  return clip((rate - rateAtZero) / ratePerPoint, 0, highestScore);
}

function speedOffset({ latencies, meanLatencyMs }: EvidenceWindow, { minLatencies, slowMs }: ThresholdRule): number {
  if (meanLatencyMs === null || latencies < minLatencies) return 0;
  return meanLatencyMs > slowMs ? -speedStep : speedStep;
}

/** `current + step`, cut to hundredths on the side of `current`: rounding must not make a step longer. */
function inHundredths(current: number, step: number): number {
  // Takes up the error of binary fractions, such as 4.1 + 0.3 = 4.3999999999999995.
  const slack = 1e-9;
  const hundredths = (current + step) * 100;
  const next = (step > 0 ? Math.floor(hundredths + slack) : Math.max(0, Math.ceil(hundredths - slack))) / 100;
  const moves = (next - current) * step > 0 && Math.abs(next - current) >= 0.01 - slack;
  return moves ? next : current;
}

function clip(value: number, lowest: number, highest: number): number {
  return Math.min(highest, Math.max(lowest, value));
}
