import { createHash } from 'node:crypto';
import type { Config } from '../platform/config/load.ts';
import type { ExplorationBounds } from './select/explore.ts';
import type { Policy } from './select/policy.ts';

/** The rules of a decision, and their name: equal policies have equal versions. */
export interface VersionedPolicy {
  policy: Policy;
  version: string;
}

export function policyFromConfig(config: Pick<Config, 'routing'>): Policy {
  const { routing } = config;
  return {
    weights: routing.weights,
    preferMultiplier: routing.prefer_multiplier,
    costReferenceUsd: routing.cost_reference_usd,
    latencyReferenceMs: routing.latency_reference_ms,
    tradeOff:
      routing.cost_quality_tradeoff === undefined
        ? null
        : { value: routing.cost_quality_tradeoff, source: 'configuration' },
    predictorHoldout: routing.predictor.holdout,
    qualityFloor: routing.quality_floor ?? null,
    preferences: routing.preferences,
    expectedOutputTokens: routing.expected_output_tokens,
    aliases: routing.aliases,
    allow: routing.allow,
    deny: routing.deny,
    fallbackChainLength: routing.fallback_chain_length,
  };
}

/** Null where the configuration wants nothing tried out. */
export function explorationFromConfig({ routing }: Pick<Config, 'routing'>): ExplorationBounds | null {
  const { enabled, floor, max_share: maxShare, max_extra_cost: maxExtraCost } = routing.exploration;
  return enabled ? { floor, maxShare, maxExtraCost } : null;
}

export function versionedPolicy(routing: Config['routing']): VersionedPolicy {
  const policy = policyFromConfig({ routing });
  return { policy, version: createHash('sha256').update(JSON.stringify(policy)).digest('hex').slice(0, 12) };
}
