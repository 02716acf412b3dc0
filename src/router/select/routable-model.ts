import type { Model } from '../../contracts/model.ts';
import type { PerComplexity, QueryType } from '../../contracts/query-class.ts';

/** How well a model does at a complexity, as this instance knows it. */
export interface ComplexityScore {
  /** In [0, 5], as the catalogue or the newest score update says: it moves when central is sure. */
  score: number;
  source: 'catalogue' | 'learned';
  /** In [0, 5]: what central believes at the moment, here and at this provider. The choice goes by this. */
  believed: number;
  /** How many answers the belief rests on: from this follows how certain it is. */
  strength: number;
  /** What is to be added to the belief for a query type, where that is known to differ. */
  queryTypeOffsets: Partial<Record<QueryType, number>>;
}

/** A model that can be called: its catalogue entry, its scores and whose it is. */
export interface RoutableModel {
  /** `provider/model_id`. */
  key: string;
  model: Model;
  provider: {
    name: string;
    kind: string;
    /** Surfaces that the provider speaks itself; to others requests are translated. */
    passes: readonly string[];
  };
  providerHealthy: boolean;
  scores: PerComplexity<ComplexityScore>;
}
