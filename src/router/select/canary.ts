import type { Explanation } from '../../contracts/decision.ts';
import type { Conversation, Policy, SelectionRequest } from './policy.ts';
import {
  type ActiveRollout,
  type CopyTarget,
  type NotCopied,
  placeIn,
  type Trials,
  type TrialTerms,
  trialOf,
  unitOf,
} from './rollout.ts';
import type { RoutableModel } from './routable-model.ts';

/** In which arm of a canary a decision is. */
export interface CanaryAssignment {
  rollout: ActiveRollout;
  arm: 'canary' | 'control';
  candidate: RoutableModel;
  /** With which probability a conversation is in this arm, in (0, 1]. */
  probability: number;
}

/**
 * The arm of a request for which `chosen` was chosen; null where it is in none: nothing is tried in the place of that model,
 * or the candidate could not serve the request, so that the two arms would not be alike. Pure.
 */
export function assignArm(
  chosen: RoutableModel,
  request: SelectionRequest,
  policy: Policy,
  trials: Trials,
  { conversationId, staysAtProvider }: TrialTerms,
): CanaryAssignment | null {
  if (request.providerOrder.length > 0) return null;
  const trial = trialOf('canary', chosen, request, policy, trials);
  if (trial === null) return null;
  const { rollout, candidate } = trial;
  if (staysAtProvider && candidate.provider.name !== chosen.provider.name) return null;
  return placeIn(rollout.rolloutId, 'canary', conversationId) < rollout.share
    ? { rollout, candidate, arm: 'canary', probability: rollout.share }
    : { rollout, candidate, arm: 'control', probability: 1 - rollout.share };
}

/** Whether a request is copied: to which candidate, or why to none. Both are null where nothing is tried by copies. */
export interface CopyChoice {
  copiedTo: CopyTarget | null;
  notCopied: NotCopied | null;
}

/** Whether a request is copied for which `chosen` was chosen. Pure. */
export function chooseCopy(
  chosen: RoutableModel,
  request: SelectionRequest,
  policy: Policy,
  trials: Trials,
  { conversationId, refusesCopy }: TrialTerms,
): CopyChoice {
  if (trials.rolloutsByControl.get(chosen.key)?.state !== 'shadow') return { copiedTo: null, notCopied: null };
  if (refusesCopy !== null) return { copiedTo: null, notCopied: refusesCopy };
  const trial = request.providerOrder.length > 0 ? null : trialOf('shadow', chosen, request, policy, trials);
  if (trial === null) return { copiedTo: null, notCopied: 'not_eligible' };
  const { rolloutId, share } = trial.rollout;
  return placeIn(rolloutId, 'shadow', conversationId) < share
    ? { copiedTo: { ...trial.rollout, unit: unitOf(rolloutId, conversationId) }, notCopied: null }
    : { copiedTo: null, notCopied: 'not_drawn' };
}

/**
 * A conversation that a canary answers counts as the control's in the choice, for the canary only stands in: else it would
 * be the one arm that loses what binds a conversation to its model.
 */
export function asOfControl(conversation: Conversation | null, { rolloutsByControl }: Trials): Conversation | null {
  if (conversation === null) return null;
  for (const { state, candidateKey, controlKey } of rolloutsByControl.values()) {
    if (state === 'canary' && candidateKey === conversation.modelKey) return { ...conversation, modelKey: controlKey };
  }
  return conversation;
}

/** The explanation with the arm in words, and with the probability that the arm leaves the control. */
export function explainArm(
  explanation: Explanation,
  { rollout, arm, candidate, probability }: CanaryAssignment,
  chosen: RoutableModel,
): Explanation {
  const percent = `${Number((rollout.share * 100).toPrecision(3))}%`;
  const { model_id: candidateId } = candidate.model;
  const { model_id: controlId } = chosen.model;
  return {
    ...explanation,
    summary:
      arm === 'canary'
        ? `${candidateId} as a canary in the place of ${controlId}, on ${percent} of its conversations; ${controlId} was the choice: ${explanation.summary}`
        : `${explanation.summary}; on ${percent} of such conversations, not on this one, ${candidateId} is tried out as a canary`,
    candidates: explanation.candidates.map((listed) =>
      arm === 'control' &&
      listed.probability !== undefined &&
      listed.model === controlId &&
      listed.provider === chosen.model.provider
        ? { ...listed, probability: listed.probability * probability }
        : listed,
    ),
  };
}
