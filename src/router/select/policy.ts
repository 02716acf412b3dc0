import type { Capability, Modality } from '../../contracts/model.ts';
import type { Prefer } from '../../contracts/decision.ts';
import type { Complexity, PerComplexity, QueryType } from '../../contracts/query-class.ts';

/** The rules of a choice, from the configuration. */
export interface Policy {
  weights: { quality: number; preference: number; cost: number; latency: number };
  /** What `prefer` multiplies its term with. */
  preferMultiplier: number;
  costReferenceUsd: number;
  latencyReferenceMs: number;
  /** Models in order of preference, as `model_id` or `provider/model_id`. */
  preferences: Readonly<Record<QueryType, readonly string[]>>;
  expectedOutputTokens: PerComplexity<number>;
  allow: readonly string[];
  deny: readonly string[];
  fallbackChainLength: number;
}

/** What is asked of a choice. */
export interface SelectionRequest {
  queryType: QueryType;
  complexity: Complexity;
  inputTokens: number;
  /** Null: what the policy expects for the complexity. */
  maxOutputTokens: number | null;
  requiredCapabilities: readonly Capability[];
  inputModalities: readonly Modality[];
  prefer: Prefer | null;
  /** Only fast and cheap models, for the refinement path. */
  refinersOnly: boolean;
  /** Only these, as `model_id` or `provider/model_id`; null: all. */
  onlyModels: readonly string[] | null;
  onlyProviders: readonly string[] | null;
  ignoredProviders: readonly string[];
  maxInputUsdPerMillionTokens: number | null;
  maxOutputUsdPerMillionTokens: number | null;
  maxCostUsd: number | null;
}

export const anyModel: Omit<SelectionRequest, 'queryType' | 'complexity' | 'inputTokens'> = {
  maxOutputTokens: null,
  requiredCapabilities: [],
  inputModalities: ['text'],
  prefer: null,
  refinersOnly: false,
  onlyModels: null,
  onlyProviders: null,
  ignoredProviders: [],
  maxInputUsdPerMillionTokens: null,
  maxOutputUsdPerMillionTokens: null,
  maxCostUsd: null,
};
