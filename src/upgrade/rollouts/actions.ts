import { modelKey, type Model } from '../../contracts/index.ts';
import type { UpgradeAction, UpgradeStep } from '../../contracts/upgrade-api.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { withAdvisoryLock } from '../../platform/postgres/advisory-lock.ts';
import type { Executor, Pool } from '../../platform/postgres/pool.ts';
import { findModel, listOfferedModels } from '../../platform/store/models.ts';
import { findLatestRollouts, findRollout, lockRollout, type Rollout } from '../../platform/store/rollouts.ts';
import { findUpgradeCandidate, setCandidateStatus } from '../../platform/store/upgrade-candidates.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import { fingerprintOf } from '../discover/fingerprint.ts';
import { proposeFor } from '../discover/propose.ts';
import { evidenceSchema } from '../gate/evidence.ts';
import { applyEvent, type Step, type Word } from './apply-event.ts';
import type { RolloutMetrics } from './metrics.ts';
import { type StatusChange, writeStatuses } from './model-statuses.ts';
import { insertProposal, listedSince } from './propose-rollouts.ts';
import { rolloutsLock } from './rollouts-lock.ts';
import type { RolloutSettings } from './settings.ts';

export interface ActionRequest extends Word {
  /** Of a candidate or of a rollout. */
  id: string;
  action: UpgradeAction;
  dryRun: boolean;
  /** Of `approve` alone, for a model of which nothing was proposed: `provider/model_id`. */
  control?: string | undefined;
}

/**
 * What operators do with candidates, under the same lock and through the same steps as what the service does.
 *
 * @throws SignalboxError `not_found` for an id that nothing has, `conflict` for what cannot be done now.
 */
export type Act = (request: ActionRequest) => Promise<UpgradeStep>;

interface Done {
  body: UpgradeStep;
  step: Step | null;
}

/** Carries what a dry run has found out of the transaction that it ends. */
class Undone extends Error {
  readonly body: UpgradeStep;
  constructor(body: UpgradeStep) {
    super('a dry run was undone');
    this.body = body;
  }
}

export function createActions(options: {
  pool: Pool;
  settings: RolloutSettings;
  log: Logger;
  metrics: RolloutMetrics;
  onStep(): void;
}): Act {
  const { pool, settings, log, metrics, onStep } = options;

  return async function act(request) {
    const { actor, reason, action, dryRun } = request;
    try {
      // A dry run is the real one, undone: so it says exactly what would happen.
      const { body, step } = await withAdvisoryLock(pool, rolloutsLock, async (db) => {
        const done = await perform(db, request, settings);
        if (dryRun) throw new Undone({ ...done.body, dry_run: true });
        return done;
      });
      if (step !== null) metrics.stepped(step);
      log.info({ action, actor, reason, model: body.model, from: body.from, to: body.to }, 'an operator decided');
      onStep();
      return body;
    } catch (error) {
      if (error instanceof Undone) return error.body;
      throw error;
    }
  };
}

async function perform(db: Executor, request: ActionRequest, settings: RolloutSettings): Promise<Done> {
  const { id, action } = request;
  const candidate = await findUpgradeCandidate(db, id);
  const found =
    candidate === undefined
      ? await findRollout(db, id)
      : (await findLatestRollouts(db, [candidate])).get(`${candidate.provider}/${candidate.modelId}`);
  if (found !== undefined) return performOn(db, await locked(db, found), request, settings);
  if (candidate === undefined) throw new SignalboxError('not_found', `no candidate or rollout ${id}`, { param: 'id' });

  const key = `${candidate.provider}/${candidate.modelId}`;
  if (action === 'dismiss') {
    if (candidate.status === 'dismissed') throw new SignalboxError('conflict', `${key} was dismissed already`);
    await setCandidateStatus(db, candidate, 'dismissed');
    return withoutRollout(action, key, []);
  }
  if (action === 'retry' && candidate.status === 'dismissed') {
    await setCandidateStatus(db, candidate, 'discovered');
    return withoutRollout(action, key, []);
  }
  const model = await findModel(db, key);
  if (model === undefined) {
    throw new SignalboxError('conflict', `the catalogue does not have ${key} yet; it comes with the next refresh`);
  }
  if (action === 'promote') return promoteAlone(db, model);
  if (action === 'approve') return performOn(db, await propose(db, model, request), request, settings);
  throw new SignalboxError('conflict', `cannot ${action} ${candidate.modelId}: it has no rollout`);
}

async function performOn(
  db: Executor,
  rollout: Rollout,
  { action, actor, reason }: ActionRequest,
  { plan }: RolloutSettings,
): Promise<Done> {
  const model = `${rollout.provider}/${rollout.modelId}`;
  const renewed = action === 'retry' ? { ...rollout, fingerprint: await freshFingerprint(db, rollout) } : rollout;
  const evidence = evidenceSchema.parse(rollout.evidence);
  const step = await applyEvent(db, renewed, action, { actor, reason }, evidence, plan);
  if (action === 'dismiss') await setCandidateStatus(db, rollout, 'dismissed');
  if (action === 'retry') await setCandidateStatus(db, rollout, 'discovered');
  return {
    step,
    body: {
      dry_run: false,
      event: action,
      model,
      rollout_id: rollout.rolloutId,
      from: step.from.state,
      to: step.to.state,
      stage: step.to.stage,
      share: step.share,
      held: step.to.held,
      statuses: step.statuses.map(toStatus),
    },
  };
}

async function locked(db: Executor, { rolloutId }: Rollout): Promise<Rollout> {
  const rollout = await lockRollout(db, rolloutId);
  if (rollout === undefined) throw new SignalboxError('not_found', `no rollout ${rolloutId}`, { param: 'id' });
  return rollout;
}

async function freshFingerprint(db: Executor, rollout: Rollout): Promise<string> {
  const key = `${rollout.provider}/${rollout.modelId}`;
  const model = await findModel(db, key);
  const since = (await listedSince(db, [rollout])).get(key);
  return model === undefined || since === undefined ? rollout.fingerprint : fingerprintOf(model, since);
}

/** A rollout that nobody has proposed: an operator names what is replaced, or takes what is nearest. */
async function propose(db: Executor, model: Model, { control: named, actor, reason }: ActionRequest): Promise<Rollout> {
  const opinion = proposeFor(model, await listOfferedModels(db));
  const control = named === undefined ? opinion.control : await findModel(db, named);
  if (control === null || control === undefined) {
    const why = named === undefined ? opinion.reason : `no model ${named} in the catalogue`;
    const hint = named === undefined ? '; name with control what it would replace, or promote it' : '';
    throw new SignalboxError('conflict', `cannot approve ${model.model_id}: ${why}${hint}`, { param: 'control' });
  }
  if (modelKey(control) === modelKey(model)) {
    throw new SignalboxError('conflict', `${model.model_id} cannot replace itself`, { param: 'control' });
  }
  const since = (await listedSince(db, [model])).get(modelKey(model)) ?? new Date(0);
  const relation = named === undefined ? opinion.relation : 'operator';
  const id = await insertProposal(db, model, control, { relation, automatic: false }, fingerprintOf(model, since), {
    actor,
    reason,
  });
  const rollout = id === null ? undefined : await lockRollout(db, id);
  if (rollout === undefined) throw new SignalboxError('conflict', `${model.model_id} has a rollout already`);
  return rollout;
}

/** A model that replaces nothing gets its share of the traffic at once. */
async function promoteAlone(db: Executor, model: Model): Promise<Done> {
  const { provider, model_id: modelId } = model;
  if (model.status === 'stable') throw new SignalboxError('conflict', `${modelKey(model)} is stable already`);
  const changes: StatusChange[] = [{ provider, modelId, status: 'stable', isPinned: true }];
  await writeStatuses(db, changes);
  return withoutRollout('promote', modelKey(model), changes);
}

function withoutRollout(event: UpgradeAction, model: string, changes: readonly StatusChange[]): Done {
  const nowhere = { rollout_id: null, from: null, to: null, stage: 0, share: 0, held: false };
  return { step: null, body: { dry_run: false, event, model, ...nowhere, statuses: changes.map(toStatus) } };
}

function toStatus({ provider, modelId, status }: StatusChange): UpgradeStep['statuses'][number] {
  return { provider, model_id: modelId, status };
}
