import type { ModelStatus } from '../../contracts/index.ts';
import type { RolloutState } from '../../contracts/rollout.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import { findModelPlace, type ModelPlace, setModelStatus } from '../../platform/store/model-status.ts';
import { lockCatalogue, notifyCatalogue } from '../../platform/store/models.ts';
import { findRolloutOfControl, type Rollout } from '../../platform/store/rollouts.ts';
import type { Proposal } from './proposal.ts';

interface ModelName {
  provider: string;
  modelId: string;
}

/** A status that a step gives to a model. */
export interface StatusChange extends ModelName {
  status: ModelStatus;
  isPinned: boolean;
}

export const candidateOf = ({ provider, modelId }: Rollout): ModelName => ({ provider, modelId });
export const controlOf = (rollout: Rollout): ModelName => ({
  provider: rollout.controlProvider,
  modelId: rollout.controlModelId,
});
export const nameOf = ({ provider, modelId }: ModelName): string => `${provider}/${modelId}`;

/** Why a model can answer nothing, or null where it can. */
export function whyGone(model: ModelName, place: ModelPlace | undefined): string | null {
  if (place === undefined || !place.listed) return `${nameOf(model)} is not offered any more`;
  return place.status === 'disabled' ? `${nameOf(model)} is disabled` : null;
}

/**
 * What a step to `to` makes of the two models, and what has to be remembered so that it can be undone.
 *
 * @throws SignalboxError `conflict` where the models do not allow the step.
 */
export async function planStatuses(
  db: Executor,
  rollout: Rollout,
  to: RolloutState,
  proposal: Proposal,
): Promise<{ changes: StatusChange[]; proposal: Proposal }> {
  const [candidate, control] = [candidateOf(rollout), controlOf(rollout)];
  const places = {
    candidate: await findModelPlace(db, candidate.provider, candidate.modelId),
    control: await findModelPlace(db, control.provider, control.modelId),
  };
  if (rollout.state === 'proposed' && to !== 'dismissed') await assertPlaceIsFree(db, rollout, places, to);
  const candidateStatus = places.candidate?.status;
  const wasPinned = places.candidate?.isPinned ?? false;
  if (rollout.state === 'proposed' && (to === 'shadow' || to === 'canary')) {
    const changes: StatusChange[] =
      candidateStatus === 'candidate' ? [] : [{ ...candidate, status: 'candidate', isPinned: wasPinned }];
    return { changes, proposal };
  }
  if (to === 'promoted') {
    const gone = whyGone(candidate, places.candidate);
    if (gone !== null) throw new SignalboxError('conflict', gone);
    const changes: StatusChange[] = [{ ...candidate, status: 'stable', isPinned: true }];
    if (places.control !== undefined) changes.push({ ...control, status: 'deprecated', isPinned: true });
    return { changes, proposal: { ...proposal, control_was_pinned: places.control?.isPinned ?? false } };
  }
  if (rollout.state === 'promoted' && to === 'rolled_back') {
    if (candidateStatus === 'deprecated') {
      throw new SignalboxError('conflict', `${nameOf(candidate)} was replaced itself since; roll that back first`);
    }
    const later = await findRolloutOfControl(db, candidate.provider, candidate.modelId);
    if (later !== undefined) {
      const what = `${later.modelId} is being tried in the place of ${nameOf(candidate)}`;
      throw new SignalboxError('conflict', `${what}; roll that back first`);
    }
    const changes: StatusChange[] = [];
    // What an operator has made of them since is left alone.
    if (candidateStatus === 'stable') changes.push({ ...candidate, status: 'candidate', isPinned: false });
    if (places.control?.status === 'deprecated') {
      changes.push({ ...control, status: 'stable', isPinned: proposal.control_was_pinned === true });
    }
    return { changes, proposal };
  }
  return { changes: [], proposal };
}

async function assertPlaceIsFree(
  db: Executor,
  rollout: Rollout,
  places: Record<'candidate' | 'control', ModelPlace | undefined>,
  to: RolloutState,
): Promise<void> {
  const [candidate, control] = [candidateOf(rollout), controlOf(rollout)];
  const gone = whyGone(candidate, places.candidate) ?? (to === 'promoted' ? null : whyGone(control, places.control));
  if (gone !== null) throw new SignalboxError('conflict', gone);
  if (to !== 'promoted' && places.control?.status !== 'stable') {
    const status = places.control?.status ?? 'gone';
    throw new SignalboxError('conflict', `${nameOf(control)} is ${status}: there is no traffic to share`);
  }
  for (const model of [control, candidate]) {
    const other = await findRolloutOfControl(db, model.provider, model.modelId);
    if (other === undefined) continue;
    throw new SignalboxError('conflict', `${other.modelId} is being tried in the place of ${nameOf(model)}`);
  }
}

/** Writes the statuses under the catalogue's lock and wakes its readers, all when the transaction commits. */
export async function writeStatuses(db: Executor, changes: readonly StatusChange[]): Promise<void> {
  if (changes.length === 0) return;
  await lockCatalogue(db);
  for (const { status, isPinned, ...model } of changes) await setModelStatus(db, model, status, isPinned);
  await notifyCatalogue(db);
}
