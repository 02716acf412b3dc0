import { hash } from 'node:crypto';
import { mayServe } from './filter.ts';
import type { Policy, SelectionRequest } from './policy.ts';
import type { RoutableModel } from './routable-model.ts';

/** A model on trial in the place of another. */
export interface ActiveRollout {
  rolloutId: string;
  /** `shadow`: requests are copied to the candidate; `canary`: it answers some. */
  state: 'shadow' | 'canary';
  /** Of the control's conversations, in (0, 1]. */
  share: number;
  /** Both as `provider/model_id`. */
  candidateKey: string;
  controlKey: string;
}

/** A rollout to whose candidate a request is copied, and of which of its units that request is. */
export interface CopyTarget extends ActiveRollout {
  unit: string;
}

/**
 * Why a request is not copied though another model is tried by copies in the place of the chosen one: its surface has none, its
 * key does not allow it, the candidate could not serve it, or it is not of the share.
 */
export type NotCopied = 'surface' | 'no_consent' | 'not_eligible' | 'not_drawn';

/** What a choice needs to know of rollouts; a part of the snapshot. */
export interface Trials {
  byKey: ReadonlyMap<string, RoutableModel>;
  /** By the key of the control, which has one at the most. */
  rolloutsByControl: ReadonlyMap<string, ActiveRollout>;
}

/** How a request takes part in trials. */
export interface TrialTerms {
  /** Assignment is by conversation, so that none changes its model from turn to turn. */
  conversationId: string;
  /** Why the request may not be copied to a model on trial, whichever; null: it may. */
  refusesCopy: 'surface' | 'no_consent' | null;
  /** Whoever answers keeps the answer, and nobody else can go on from there. */
  staysAtProvider: boolean;
}

/** What a conversation is drawn for; each draw is independent of all others. */
export type Purpose = 'canary' | 'shadow';

/**
 * Where a conversation falls in a rollout, uniform in [0, 1): the same at every router and at any time. It is below a share
 * that has grown where it was below the smaller one, so that nobody leaves the canary as it grows.
 */
export function placeIn(rolloutId: string, purpose: Purpose, conversationId: string): number {
  return hash('sha256', `${rolloutId} ${purpose} ${conversationId}`, 'buffer').readUIntBE(0, 6) / 2 ** 48;
}

/** The conversation as this rollout alone knows it, in hex: from one rollout to another nobody is known again. */
export function unitOf(rolloutId: string, conversationId: string): string {
  return hash('sha256', `${rolloutId} unit ${conversationId}`, 'hex').slice(0, 16);
}

/** The rollout of this state whose control was chosen, and its candidate where that could serve the request as well. */
export function trialOf(
  state: ActiveRollout['state'],
  chosen: RoutableModel,
  request: SelectionRequest,
  policy: Policy,
  { byKey, rolloutsByControl }: Trials,
): { rollout: ActiveRollout; candidate: RoutableModel } | null {
  const rollout = rolloutsByControl.get(chosen.key);
  if (rollout?.state !== state) return null;
  const candidate = byKey.get(rollout.candidateKey);
  if (candidate === undefined || !candidate.providerHealthy || candidate.key === chosen.key) return null;
  return mayServe(candidate, request, policy) ? { rollout, candidate } : null;
}
