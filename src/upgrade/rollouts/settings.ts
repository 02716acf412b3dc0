import type { Config } from '../../platform/config/load.ts';
import type { GateSettings } from '../gate/tests.ts';
import type { Plan } from '../machine/machine.ts';

const msPerHour = 3_600_000;

/** What the configuration says of rollouts, in the words of the machine and of the gate. */
export interface RolloutSettings {
  mode: Config['upgrade']['mode'];
  plan: Plan;
  gate: GateSettings;
  /** How long a promotion is watched, in hours. */
  watchHours: number;
}

export function rolloutSettings({ upgrade }: Pick<Config, 'upgrade'>): RolloutSettings {
  const { shadow, canary, alpha, beta, mode, watch_hours: watchHours } = upgrade;
  return {
    mode,
    watchHours,
    plan: { shadowShare: shadow.share, canaryShares: canary.shares },
    gate: {
      shadow: { minMs: shadow.min_hours * msPerHour, minPairs: shadow.min_pairs },
      canary: {
        shares: canary.shares,
        minMs: canary.min_hours.map((hours) => hours * msPerHour),
        margin: canary.margin,
        minAnswers: canary.min_answers,
        minJudged: canary.min_judged,
        acceptable: {
          errors: canary.acceptable_error_rate,
          quality: canary.acceptable_bad_quality_rate,
          slowness: null,
        },
      },
      alpha,
      beta,
    },
  };
}
