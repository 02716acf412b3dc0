import type { ExclusionReason } from '../../../src/contracts/decision.ts';
import type { Origin, RecordOutcome } from '../../../src/contracts/event.ts';
import type { RolloutState } from '../../../src/contracts/rollout.ts';
import type { Tone } from '../components/badge.tsx';

/** Codes of the API in words, each with the tone in which it is said. */
export const outcomeWords: Record<RecordOutcome, readonly [string, Tone]> = {
  routed: ['under way', 'accent'],
  success: ['answered', 'good'],
  failure: ['failed', 'bad'],
  timeout: ['timed out', 'bad'],
  cancelled: ['client left', 'plain'],
  unknown: ['never told', 'warn'],
};

export const originWords: Record<Origin, string> = {
  auto: 'chosen by the policy',
  pinned: 'asked for by name',
  fallback: 'after another model failed',
  hedge: 'second call, the first was late',
  race: 'lane of a race',
  shadow: 'copy, to compare',
  canary: 'new model on trial',
  feedback: 'feedback',
};

export const exclusionWords: Record<ExclusionReason, string> = {
  status: 'Not in use for automatic choices',
  capability: 'Lacks a capability that the request needs',
  modality: 'Cannot take or give this kind of content',
  context_length: 'The request is too long for it',
  surface: 'Cannot answer on this interface',
  not_a_refiner: 'Not one of the fast models for refinements',
  not_allowed: 'The key may not use it',
  provider_not_allowed: 'The request excludes its provider',
  price_unknown: 'Its price is unknown, and the budget needs one',
  price_bound: 'Dearer than the request allows',
  budget: 'Would cost more than the request may',
  provider_unhealthy: 'Its provider does not answer',
};

export const stateWords: Record<RolloutState, readonly [string, Tone]> = {
  proposed: ['proposed', 'accent'],
  shadow: ['compared in copies', 'accent'],
  canary: ['on trial', 'warn'],
  promoted: ['promoted', 'good'],
  rolled_back: ['rolled back', 'bad'],
  dismissed: ['dismissed', 'plain'],
  withdrawn: ['withdrawn', 'plain'],
};

/** An identifier as words: `tool_use` → `tool use`. */
export function spaced(identifier: string): string {
  return identifier.replaceAll('_', ' ');
}
