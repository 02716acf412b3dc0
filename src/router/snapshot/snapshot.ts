import { type Model, modelKey, type ProviderHealth } from '../../contracts/model.ts';
import { complexities, type Complexity, type PerComplexity, type QueryType } from '../../contracts/query-class.ts';
import { type Prior, shiftsFromPrior } from '../../prediction/prior.ts';
import { type CentredPredictor, type ShiftPredictor, successShifts } from '../../prediction/shifts.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import { ratePerPoint, scoreOf, successRateOf } from '../../statistics/score-scale.ts';
import type { ActiveRollout } from '../select/rollout.ts';
import type { ComplexityScore, RoutableModel } from '../select/routable-model.ts';

export interface LearnedScore {
  model: string;
  complexity: Complexity;
  score: number;
}

/** What central believes of a model at a complexity. */
export interface LearnedBelief {
  model: string;
  complexity: Complexity;
  /** In [0, 1]. */
  successRate: number;
  strength: number;
  refinements: ReadonlyArray<{ kind: 'instance' | 'provider' | 'query_type'; value: string; offset: number }>;
}

/** All that a decision needs, in memory, never changed, replaced whole. */
export interface Snapshot {
  models: readonly RoutableModel[];
  /** By `provider/model_id`. */
  byKey: ReadonlyMap<string, RoutableModel>;
  /** By `model_id`; several providers may offer the same model. */
  byModelId: ReadonlyMap<string, readonly RoutableModel[]>;
  providers: ReadonlyMap<string, Provider>;
  /** Models on trial, by the key of the one whose place they would take. */
  rolloutsByControl: ReadonlyMap<string, ActiveRollout>;
  /** What prompts say of models; null: nothing yet. */
  predictor: ShiftPredictor | null;
  /** Greatest sequence number of a learned score that is in here. */
  scoreSequence: number;
  loadedAtMs: number;
}

export interface SnapshotInput {
  models: readonly Model[];
  health: readonly ProviderHealth[];
  /** Published scores; they count where there is no belief. */
  learnedScores: readonly LearnedScore[];
  beliefs: readonly LearnedBelief[];
  /** Whose view it is: what is learned of this instance alone counts here alone. */
  instanceId: string;
  providers: readonly Provider[];
  rollouts?: readonly ActiveRollout[];
  /** What central has learned of prompts; null: nothing. */
  predictor?: CentredPredictor | null;
  /** What stands in for it; null: nothing. */
  prior?: Prior | null;
  scoreSequence: number;
  nowMs: number;
}

/** Joins catalogue, learned scores, health and configured providers. Models of other providers are left out. Pure. */
export function buildSnapshot(input: SnapshotInput): Snapshot {
  const providers = new Map(input.providers.map((provider) => [provider.name, provider]));
  const unhealthy = new Set(
    input.health.filter((entry) => entry.status === 'unhealthy').map((entry) => entry.provider),
  );
  const learned = new Map(input.learnedScores.map((entry) => [`${entry.complexity} ${entry.model}`, entry.score]));
  const beliefs = new Map(input.beliefs.map((belief) => [`${belief.complexity} ${belief.model}`, belief]));

  const models = input.models.flatMap((model): RoutableModel[] => {
    const provider = providers.get(model.provider);
    if (provider === undefined) return [];
    const scores = Object.fromEntries(
      complexities.map((complexity): [Complexity, ComplexityScore] => {
        const cell = `${complexity} ${model.model_id}`;
        const update = learned.get(cell);
        const score = update ?? model.complexity_scores[complexity];
        const belief = beliefs.get(cell);
        const known =
          belief === undefined
            ? { believed: score, strength: priorStrength, queryTypeOffsets: {} }
            : viewOf(belief, model.provider, input.instanceId);
        return [complexity, { score, source: update === undefined ? 'catalogue' : 'learned', ...known }];
      }),
    ) as PerComplexity<ComplexityScore>;
    return [{ key: modelKey(model), model, provider, providerHealthy: !unhealthy.has(provider.name), scores }];
  });

  const byModelId = new Map<string, RoutableModel[]>();
  for (const entry of models) {
    const sameModel = byModelId.get(entry.model.model_id);
    if (sameModel === undefined) byModelId.set(entry.model.model_id, [entry]);
    else sameModel.push(entry);
  }

  return {
    models,
    byKey: new Map(models.map((entry) => [entry.key, entry])),
    byModelId,
    providers,
    rolloutsByControl: byControl(input.rollouts ?? []),
    predictor: predictorOf(input, models),
    scoreSequence: input.scoreSequence,
    loadedAtMs: input.nowMs,
  };
}

function predictorOf({ predictor, prior }: SnapshotInput, models: readonly RoutableModel[]): ShiftPredictor | null {
  if (predictor !== undefined && predictor !== null) {
    return { version: predictor.version, shifts: (...prompt) => successShifts(predictor, ...prompt) };
  }
  if (prior === undefined || prior === null) return null;
  const scores = new Map(models.map(({ model }) => [model.model_id, model.complexity_scores]));
  return shiftsFromPrior(
    prior,
    [...scores].map(([name, { simple, medium, complex }]) => ({
      name,
      ability: successRateOf((simple + medium + complex) / complexities.length),
    })),
  );
}

/** The same knowledge with other rollouts. */
export function withRollouts(snapshot: Snapshot, rollouts: readonly ActiveRollout[]): Snapshot {
  return { ...snapshot, rolloutsByControl: byControl(rollouts) };
}

const byControl = (rollouts: readonly ActiveRollout[]): Snapshot['rolloutsByControl'] =>
  new Map(rollouts.map((rollout) => [rollout.controlKey, rollout]));

/** How many answers a score counts for of which nothing was measured. */
const priorStrength = 10;

/** What is believed of the model at one provider as one instance sees it. */
function viewOf(
  belief: LearnedBelief,
  provider: string,
  instanceId: string,
): Pick<ComplexityScore, 'believed' | 'strength' | 'queryTypeOffsets'> {
  let rate = belief.successRate;
  const queryTypeOffsets: ComplexityScore['queryTypeOffsets'] = {};
  for (const { kind, value, offset } of belief.refinements) {
    if (kind === 'query_type') queryTypeOffsets[value as QueryType] = offset / ratePerPoint;
    else if (value === (kind === 'provider' ? provider : instanceId)) rate += offset;
  }
  return { believed: scoreOf(rate), strength: belief.strength, queryTypeOffsets };
}

export const emptySnapshot: Snapshot = buildSnapshot({
  models: [],
  health: [],
  learnedScores: [],
  beliefs: [],
  instanceId: '',
  providers: [],
  scoreSequence: 0,
  nowMs: 0,
});
