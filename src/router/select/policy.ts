import type { Capability, Modality } from '../../contracts/model.ts';
import type { Prefer, TradeOff } from '../../contracts/decision.ts';
import type { Complexity, PerComplexity, QueryType } from '../../contracts/query-class.ts';

/** The rules of a choice, from the configuration. */
export interface Policy {
  weights: { quality: number; preference: number; cost: number; latency: number; affinity: number };
  /** What `prefer` multiplies its term with. */
  preferMultiplier: number;
  costReferenceUsd: number;
  latencyReferenceMs: number;
  /** For requests that bring none; null: the weights as they are. */
  tradeOff: TradeOff | null;
  /** Share of the best model's success rate that a choice is to keep on average; null: none. */
  qualityFloor: number | null;
  /** Share of choices that are made without the predictor, so that the two can be compared. */
  predictorHoldout: number;
  /** Models in order of preference, as `model_id` or `provider/model_id`. */
  preferences: Readonly<Record<QueryType, readonly string[]>>;
  expectedOutputTokens: PerComplexity<number>;
  /** Names of the operator's, each for the models that it stands for, in their order. */
  aliases: Readonly<Record<string, readonly string[]>>;
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
  /** As the request or its key asks; null: neither does. */
  tradeOff: TradeOff | null;
  /**
   * By how much a model's chance to answer this very request well differs from its mean at the complexity, by `model_id`;
   * models that are not in it differ by nothing. Null: nothing is known of the request but its class.
   */
  successShifts: ReadonlyMap<string, number> | null;
  /** A surface that only its own dialect can serve, with what needs it; null: a translation will do. */
  nativeSurface: { name: string; because: string } | null;
  /** Only fast and cheap models, for the refinement path. */
  refinersOnly: boolean;
  /** Only these, as `model_id` or `provider/model_id`; null: all. */
  onlyModels: readonly string[] | null;
  onlyProviders: readonly string[] | null;
  ignoredProviders: readonly string[];
  /** Providers to be tried before all others, in this order. */
  providerOrder: readonly string[];
  /** False: after the providers of the order there are no others. */
  allowsOtherProviders: boolean;
  /** Models that the caller's key may use, as patterns over `model_id` and `provider/model_id`; null: all. */
  allowedModels: readonly string[] | null;
  /** Another than the best model may be tried out. */
  mayExplore: boolean;
  /** A budget holds the caller, so that a model without a price cannot be used. */
  requiresPrice: boolean;
  maxInputUsdPerMillionTokens: number | null;
  maxOutputUsdPerMillionTokens: number | null;
  maxCostUsd: number | null;
  /** Where the conversation was answered last, and how much of its prompt should still be in a cache there. */
  conversation: Conversation | null;
}

/** `modelKey` is `provider/model_id`. */
export interface Conversation {
  modelKey: string;
  cachedInputTokens: number;
}

export const anyModel: Omit<SelectionRequest, 'queryType' | 'complexity' | 'inputTokens'> = {
  maxOutputTokens: null,
  requiredCapabilities: [],
  inputModalities: ['text'],
  prefer: null,
  tradeOff: null,
  successShifts: null,
  nativeSurface: null,
  refinersOnly: false,
  onlyModels: null,
  onlyProviders: null,
  ignoredProviders: [],
  providerOrder: [],
  allowsOtherProviders: true,
  allowedModels: null,
  mayExplore: true,
  requiresPrice: false,
  maxInputUsdPerMillionTokens: null,
  maxOutputUsdPerMillionTokens: null,
  maxCostUsd: null,
  conversation: null,
};
