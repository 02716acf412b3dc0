import type { Model } from '../../contracts/model.ts';
import type { PerComplexity } from '../../contracts/query-class.ts';

export interface ComplexityScore {
  score: number;
  source: 'catalogue' | 'learned';
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
