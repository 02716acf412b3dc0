import type { RaceCandidate } from '../../contracts/race-api.ts';
import type { Config } from '../../platform/config/load.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Live } from '../../platform/core/live.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { Accounting } from '../accounting.ts';
import type { Gateway } from '../gateway.ts';
import type { Verifier } from '../verify/verifier.ts';
import type { Lane } from './lane.ts';
import type { RacePlan } from './plan-race.ts';
import type { RaceOrder, RaceRules } from './race-order.ts';

export interface RacingOptions {
  gateway: Gateway;
  accounting: Accounting;
  verifier: Verifier;
  config: Live<Pick<Config, 'race' | 'deadlines'>>;
  clock: Clock;
  metrics: Metrics;
  /** Uniform in [0, 1). */
  random(): number;
}

/** What happens while a race runs, for whoever watches. */
export type OnLane = (lane: RaceCandidate) => void;

/** All that belongs to one race. */
export interface RunningRace extends RacingOptions {
  order: RaceOrder;
  rules: RaceRules;
  plan: RacePlan;
  lanes: readonly Lane[];
  onLane: OnLane;
}
