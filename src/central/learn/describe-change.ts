import { type Beta, betaInterval, betaMean } from '../../statistics/beta.ts';
import type { Alarm } from './fleet-beliefs.ts';
import { intervalLevel } from './publication.ts';
import type { EvidenceWindow } from './threshold.ts';

/** Why a score changed by the seed's rule, such as `success 97.1% over 104 answers, mean 840 ms: score 4.20 → 4.40`. */
export function describeChange(oldScore: number, newScore: number, window: EvidenceWindow): string {
  const success = percent(window.successes / window.samples);
  const speed = window.meanLatencyMs === null ? '' : `, mean ${Math.round(window.meanLatencyMs)} ms`;
  return `success ${success} over ${window.samples} answers${speed}: ${move(oldScore, newScore)}`;
}

/**
 * Why a score changed, such as `success 91.2% (90% sure: 89.9% to 92.4%) after 1043 answers, mean 840 ms: score 4.20 → 4.40`,
 * after an alarm with `fails far more than before; ` in front.
 */
export function describeFinding(finding: {
  oldScore: number;
  newScore: number;
  posterior: Beta;
  alarm: Alarm | null;
  meanMs: number | null;
  observations: number;
}): string {
  const { posterior, alarm, meanMs } = finding;
  const [low, high] = betaInterval(posterior, intervalLevel);
  const change =
    alarm === null ? '' : `${alarm === 'worse' ? 'fails far more than before' : 'fails far less than before'}; `;
  const sure = `${Math.round(100 * intervalLevel)}% sure: ${percent(low)} to ${percent(high)}`;
  const speed = meanMs === null ? '' : `, mean ${Math.round(meanMs)} ms`;
  return (
    `${change}success ${percent(betaMean(posterior))} (${sure}) after ${Math.round(finding.observations)} answers${speed}: ` +
    move(finding.oldScore, finding.newScore)
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

function move(oldScore: number, newScore: number): string {
  return `score ${oldScore.toFixed(2)} → ${newScore.toFixed(2)}`;
}
