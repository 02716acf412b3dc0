import { type Model, modelKey, type ProviderHealth } from '../../contracts/model.ts';
import { complexities, type Complexity, type PerComplexity } from '../../contracts/query-class.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import type { ComplexityScore, RoutableModel } from '../select/routable-model.ts';

export interface LearnedScore {
  model: string;
  complexity: Complexity;
  score: number;
}

/** All that a decision needs, in memory, never changed, replaced whole. */
export interface Snapshot {
  models: readonly RoutableModel[];
  /** By `provider/model_id`. */
  byKey: ReadonlyMap<string, RoutableModel>;
  /** By `model_id`; several providers may offer the same model. */
  byModelId: ReadonlyMap<string, readonly RoutableModel[]>;
  providers: ReadonlyMap<string, Provider>;
  /** Greatest sequence number of a learned score that is in here. */
  scoreSequence: number;
  loadedAtMs: number;
}

export interface SnapshotInput {
  models: readonly Model[];
  health: readonly ProviderHealth[];
  learnedScores: readonly LearnedScore[];
  providers: readonly Provider[];
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

  const models = input.models.flatMap((model): RoutableModel[] => {
    const provider = providers.get(model.provider);
    if (provider === undefined) return [];
    const scores = Object.fromEntries(
      complexities.map((complexity): [Complexity, ComplexityScore] => {
        const score = learned.get(`${complexity} ${model.model_id}`);
        return [
          complexity,
          score === undefined
            ? { score: model.complexity_scores[complexity], source: 'catalogue' }
            : { score, source: 'learned' },
        ];
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
    scoreSequence: input.scoreSequence,
    loadedAtMs: input.nowMs,
  };
}

export const emptySnapshot: Snapshot = buildSnapshot({
  models: [],
  health: [],
  learnedScores: [],
  providers: [],
  scoreSequence: 0,
  nowMs: 0,
});
