import type { Live } from '../../platform/core/live.ts';
import type { Rollout } from '../../platform/store/rollouts.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { evidenceSchema, testNames } from '../gate/evidence.ts';
import { harmBound, logHarm, logSafety, safetyBound } from '../gate/tests.ts';
import type { RolloutSettings } from './settings.ts';

/** Shows the rollouts under way one by one: how long they are at it, and how far their evidence is from its bounds. */
export function createRolloutGauges(metrics: Metrics, settings: Live<RolloutSettings>): (rollouts: Rollout[]) => void {
  const age = metrics.gauge('signalbox_upgrade_rollout_stage_age_seconds');
  const share = metrics.gauge('signalbox_upgrade_rollout_share_ratio');
  const harm = metrics.gauge('signalbox_upgrade_rollout_harm_ratio');
  const safety = metrics.gauge('signalbox_upgrade_rollout_safety_ratio');
  return (rollouts) => {
    const { gate } = settings();
    for (const gauge of [age, share, harm, safety]) gauge.reset();
    for (const rollout of rollouts) {
      const { state } = rollout;
      const provider = metrics.boundedLabel('provider', rollout.provider);
      const model = metrics.boundedLabel('model', rollout.modelId);
      age.set({ provider, model, state }, rollout.ageMs / 1000);
      share.set({ provider, model, state }, rollout.share);
      const evidence = evidenceSchema.parse(rollout.evidence);
      for (const test of testNames) {
        harm.set({ provider, model, test }, logHarm(evidence, test, gate) / harmBound(test, gate));
        safety.set({ provider, model, test }, logSafety(evidence, test, gate) / safetyBound(test, gate));
      }
    }
  };
}
