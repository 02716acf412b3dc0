import type { EvidenceWindow } from './threshold.ts';

/** Why a score changed, such as `success 97.1% over 104 answers, mean 840 ms: score 4.20 → 4.40`. */
export function describeChange(oldScore: number, newScore: number, window: EvidenceWindow): string {
  const percent = ((100 * window.successes) / window.samples).toFixed(1);
  const speed = window.meanLatencyMs === null ? '' : `, mean ${Math.round(window.meanLatencyMs)} ms`;
  return `success ${percent}% over ${window.samples} answers${speed}: score ${oldScore.toFixed(2)} → ${newScore.toFixed(2)}`;
}
