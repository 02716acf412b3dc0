import type { MetricDefinitions } from './definition.ts';

const service = 'upgrade';

export const upgradeMetrics = {
  signalbox_upgrade_discovery_runs_total: {
    service,
    type: 'counter',
    unit: 'count',
    help: 'Searches for new models.',
    labels: ['result'],
  },
  signalbox_upgrade_candidates: {
    service,
    type: 'gauge',
    unit: 'count',
    help: 'Models that were discovered and not dismissed.',
    labels: [],
  },
  signalbox_upgrade_rollouts: {
    service,
    type: 'gauge',
    unit: 'count',
    help: 'Rollouts by their state.',
    labels: ['state'],
  },
  signalbox_upgrade_rollout_stage_age_seconds: {
    service,
    type: 'gauge',
    unit: 'seconds',
    help: 'How long a rollout under way has been in its stage, by its candidate.',
    labels: ['provider', 'model', 'state'],
  },
  signalbox_upgrade_rollout_share_ratio: {
    service,
    type: 'gauge',
    unit: 'ratio',
    help: 'Share of the requests that the candidate of a rollout under way is copied or gets.',
    labels: ['provider', 'model', 'state'],
  },
  signalbox_upgrade_rollout_harm_ratio: {
    service,
    type: 'gauge',
    unit: 'ratio',
    help: 'Logarithm of the evidence that a candidate is worse, divided by that of the bound; at 1 it is rolled back.',
    labels: ['provider', 'model', 'test'],
  },
  signalbox_upgrade_rollout_safety_ratio: {
    service,
    type: 'gauge',
    unit: 'ratio',
    help: 'Logarithm of the evidence that a candidate is not worse, divided by that of the bound; at 1 it may be promoted.',
    labels: ['provider', 'model', 'test'],
  },
  signalbox_upgrade_open_incidents: {
    service,
    type: 'gauge',
    unit: 'count',
    help: 'Incidents that nobody has closed: models in use that have changed without a word.',
    labels: [],
  },
  signalbox_upgrade_evaluations_total: {
    service,
    type: 'counter',
    unit: 'count',
    help: 'What the gate said of candidates after new observations.',
    labels: ['result'],
  },
  signalbox_upgrade_deployments_total: {
    service,
    type: 'counter',
    unit: 'count',
    help: 'Steps of rollouts.',
    labels: ['event'],
  },
  signalbox_upgrade_broken_observations_total: {
    service,
    type: 'counter',
    unit: 'count',
    help: 'Observations of rollouts that made no sense.',
    labels: [],
  },
} as const satisfies MetricDefinitions;
