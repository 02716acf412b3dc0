import { type Beta, betaInterval, betaMean } from '../../statistics/beta.ts';
import { highestScore, scoreOf } from '../../statistics/score-scale.ts';

/** What the learner has to say of a cell. */
export interface Finding {
  posterior: Beta;
  observations: number;
  /** With fewer observations a score stays. */
  minObservations: number;
  /** Points that slowness takes off. */
  slowness: number;
  /** An alarm was raised since the last look. */
  isAlarm: boolean;
  /** Whether enough of the fleet has seen it for a score to fall. */
  mayFall: boolean;
}

const leastChange = 0.1;
const largestStep = 0.3;
/** Share of the posterior that lies in the published interval. */
export const intervalLevel = 0.9;

/** Mean and 90% interval as scores in [0, 5]. */
export function scoreInterval(posterior: Beta): [low: number, high: number] {
  const [low, high] = betaInterval(posterior, intervalLevel);
  return [scoreOf(low), scoreOf(high)];
}

/**
 * The score to publish in place of `current`, both in [0, 5]; `current` itself where nothing is worth telling. Pure.
 *
 * A score moves when the cell has outcomes enough, the move is at least 0.1, and the old score lies outside what is believed
 * with 90%; and by at most 0.3 at a time, in whole hundredths. After an alarm it goes at once to where it belongs.
 */
export function nextPublished(current: number, finding: Finding): number {
  const { posterior, slowness } = finding;
  const target = inHundredths(Math.max(0, scoreOf(betaMean(posterior)) - slowness));
  const change = target - current;
  if (change < 0 && !finding.mayFall) return current;
  if (finding.isAlarm) return target;
  if (finding.observations < finding.minObservations || Math.abs(change) < leastChange) return current;
  const [low, high] = scoreInterval(posterior);
  if (current + slowness >= low && current + slowness <= high) return current;
  const step = Math.min(largestStep, Math.max(-largestStep, change));
  return inHundredths(Math.min(highestScore, Math.max(0, current + step)));
}

function inHundredths(score: number): number {
  return Math.round(score * 100) / 100;
}
