import type { Counter, Metrics } from '../../platform/telemetry/metrics.ts';
import type { Step } from './apply-event.ts';

/** Counts of what becomes of rollouts, in this process. */
export interface RolloutMetrics {
  /** The gate has spoken about new observations. */
  evaluated(step: Step | null): void;
  /** A step was taken and is committed. */
  stepped(step: Step): void;
  broken(count: number): void;
  /** Rounds that failed. */
  failures: Counter<'loop'>;
}

export function createRolloutMetrics(metrics: Metrics): RolloutMetrics {
  const evaluations = metrics.counter('signalbox_upgrade_evaluations_total');
  const deployments = metrics.counter('signalbox_upgrade_deployments_total');
  const broken = metrics.counter('signalbox_upgrade_broken_observations_total');
  for (const result of ['continue', 'advance', 'promote', 'harm']) evaluations.inc({ result }, 0);
  return {
    evaluated(step) {
      evaluations.inc({ result: step === null ? 'continue' : resultOf(step) });
    },
    stepped({ event, to }) {
      deployments.inc({ event: event === 'advance' && to.state === 'promoted' ? 'promote' : event });
    },
    broken(count) {
      broken.inc(count);
    },
    failures: metrics.counter('signalbox_loop_failures_total'),
  };
}

function resultOf({ event, to }: Step): string {
  if (to.state === 'promoted') return 'promote';
  if (event === 'share') return 'continue';
  return event === 'advance' ? 'advance' : 'harm';
}
