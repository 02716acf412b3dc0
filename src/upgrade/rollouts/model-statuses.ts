import type { ModelStatus } from '../../contracts/index.ts';
import type { RolloutState } from '../../contracts/rollout.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import { findModelPlace, type ModelPlace, setModelStatus } from '../../platform/store/model-status.ts';
import { lockCatalogue, notifyCatalogue } from '../../platform/store/models.ts';
import { findSuccession, findTrialOf, type Rollout } from '../../platform/store/rollouts.ts';
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

type Places = Record<'candidate' | 'control', ModelPlace | undefined>;

async function findPlaces(db: Executor, rollout: Rollout): Promise<Places> {
  const [candidate, control] = [candidateOf(rollout), controlOf(rollout)];
  return {
    candidate: await findModelPlace(db, candidate.provider, candidate.modelId),
    control: await findModelPlace(db, control.provider, control.modelId),
  };
}

/** Why the candidate cannot be tried, or not in this place; null where it can. */
export async function whyUntriable(db: Executor, rollout: Rollout): Promise<string | null> {
  return whyUntriableAt(rollout, await findPlaces(db, rollout));
}

function whyUntriableAt(rollout: Rollout, places: Places): string | null {
  const control = controlOf(rollout);
  const gone = whyGone(candidateOf(rollout), places.candidate) ?? whyGone(control, places.control);
  if (gone !== null) return gone;
  const status = places.control?.status;
  return status === 'stable' ? null : `${nameOf(control)} is ${status ?? 'gone'}: there is no traffic to share`;
}

/** As `whyUntriable`, of a proposal, which is also void where its model has got a place without it. */
export async function whyVoid(db: Executor, rollout: Rollout): Promise<string | null> {
  const places = await findPlaces(db, rollout);
  if (places.candidate?.status === 'stable') return `${nameOf(candidateOf(rollout))} is stable already`;
  return whyUntriableAt(rollout, places);
}

/**
 * What a step to `to` makes of the two models, and what has to be remembered so that it can be undone. After a promotion and
 * after a rollback one of the two is stable, and not both; after the rollback of a trial whose control is gone none may be.
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
  const places = await findPlaces(db, rollout);
  const changes: StatusChange[] = [];
  if (to === 'shadow' || to === 'canary') {
    if (rollout.state !== 'proposed') return { changes, proposal };
    await assertPlaceIsFree(db, rollout, places);
    if (places.candidate?.status !== 'candidate') {
      changes.push({ ...candidate, status: 'candidate', isPinned: places.candidate?.isPinned ?? false });
    }
    return { changes, proposal };
  }
  if (to === 'promoted') {
    if (rollout.state === 'proposed') await assertPlaceIsFree(db, rollout, places);
    const gone = whyGone(candidate, places.candidate);
    if (gone !== null) throw new SignalboxError('conflict', gone);
    changes.push({ ...candidate, status: 'stable', isPinned: true });
    // One that an operator has disabled stays so.
    if (places.control?.status === 'stable') changes.push({ ...control, status: 'deprecated', isPinned: true });
    return { changes, proposal: { ...proposal, control_was_pinned: places.control?.isPinned ?? false } };
  }
  if (to === 'rolled_back') {
    const wasPromoted = rollout.state === 'promoted';
    if (wasPromoted) await assertCanReturn(db, rollout, places);
    if (wasPromoted && places.control?.status !== 'stable') {
      changes.push({ ...control, status: 'stable', isPinned: proposal.control_was_pinned === true });
    }
    const isControlStable = wasPromoted || (places.control?.listed === true && places.control.status === 'stable');
    if (isControlStable && places.candidate?.status === 'stable') {
      changes.push({ ...candidate, status: 'candidate', isPinned: false });
    }
  }
  return { changes, proposal };
}

/** Whether the candidate may begin, or be put, in the place of the control. */
async function assertPlaceIsFree(db: Executor, rollout: Rollout, places: Places): Promise<void> {
  const untriable = whyUntriableAt(rollout, places);
  if (untriable !== null) throw new SignalboxError('conflict', untriable);
  await assertNotTried(db, [controlOf(rollout), candidateOf(rollout)]);
}

/** Whether the control can have its place back, and nobody has come after the candidate, who would be left there, too. */
async function assertCanReturn(db: Executor, rollout: Rollout, places: Places): Promise<void> {
  const [candidate, control] = [candidateOf(rollout), controlOf(rollout)];
  const gone = whyGone(control, places.control);
  if (gone !== null) throw new SignalboxError('conflict', `${gone}, and cannot take its place back`);
  for (const model of [candidate, control]) {
    const later = await findSuccession(db, model.provider, model.modelId, rollout);
    if (later === undefined) continue;
    const what = `${nameOf(model)} was replaced by ${later.modelId} since`;
    throw new SignalboxError('conflict', `${what}; roll that back first`);
  }
  await assertNotTried(db, [candidate, control], '; roll that back first');
}

async function assertNotTried(db: Executor, models: readonly ModelName[], hint = ''): Promise<void> {
  for (const model of models) {
    const other = await findTrialOf(db, model.provider, model.modelId);
    if (other === undefined) continue;
    const what = `${other.modelId} is being tried in the place of ${nameOf(controlOf(other))}`;
    throw new SignalboxError('conflict', `${what}${hint}`);
  }
}

/** Writes the statuses under the catalogue's lock and wakes its readers, all when the transaction commits. */
export async function writeStatuses(db: Executor, changes: readonly StatusChange[]): Promise<void> {
  if (changes.length === 0) return;
  await lockCatalogue(db);
  for (const { status, isPinned, ...model } of changes) await setModelStatus(db, model, status, isPinned);
  await notifyCatalogue(db);
}
