import { modelKey, type Model } from '../../contracts/index.ts';
import type { UpgradeAction, UpgradeStep } from '../../contracts/upgrade-api.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import { withAdvisoryLock } from '../../platform/postgres/advisory-lock.ts';
import type { Executor, Pool } from '../../platform/postgres/pool.ts';
import { findModel, listOfferedModels } from '../../platform/store/models.ts';
import { findLatestRollouts, findRollout, lockRollout, type Rollout } from '../../platform/store/rollouts.ts';
import { findUpgradeCandidate, setCandidateStatus } from '../../platform/store/upgrade-candidates.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import { findModelPlace } from '../../platform/store/model-status.ts';
import { fingerprintOf } from '../discover/fingerprint.ts';
import { type Opinion, proposeFor } from '../discover/propose.ts';
import { evidenceSchema } from '../gate/evidence.ts';
import { type Position, whyNotTriedAgain } from '../machine/machine.ts';
import { applyEvent, auditUpgrade, type Step, type Word } from './apply-event.ts';
import type { RolloutMetrics } from './metrics.ts';
import { controlOf, nameOf, type StatusChange, whyGone, whyUntriable, writeStatuses } from './model-statuses.ts';
import { insertProposal, listedSince, type ProposalOrigin } from './propose-rollouts.ts';
import { proposalSchema } from './proposal.ts';
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
  settings: Live<RolloutSettings>;
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
        const done = await perform(db, request, settings());
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

/** A rollout is one try of a model; what is done, is done with the newest. */
async function perform(db: Executor, request: ActionRequest, settings: RolloutSettings): Promise<Done> {
  const { id, action } = request;
  const candidate = await findUpgradeCandidate(db, id);
  const named = candidate === undefined ? await findRollout(db, id) : undefined;
  const name = candidate ?? named;
  if (name === undefined) throw new SignalboxError('not_found', `no candidate or rollout ${id}`, { param: 'id' });
  const key = nameOf(name);
  const newest = (await findLatestRollouts(db, [name])).get(key);
  if (named !== undefined && newest !== undefined && newest.rolloutId !== id) {
    throw new SignalboxError('conflict', `${key} was tried again since, as ${newest.rolloutId}`, { param: 'id' });
  }
  // Of what was withdrawn nothing was tried: it can begin, or be put in its place, as if nobody had proposed it.
  const beginsAnew = newest?.state === 'withdrawn' && (action === 'approve' || action === 'promote');
  if (newest !== undefined && !beginsAnew) {
    const rollout = await locked(db, newest);
    return action === 'retry' ? retry(db, rollout, request) : performOn(db, rollout, action, request, settings);
  }
  if (action === 'dismiss') {
    if (candidate?.status === 'dismissed') throw new SignalboxError('conflict', `${key} was dismissed already`);
    await setCandidateStatus(db, name, 'dismissed');
    await auditUpgrade(db, action, key, request, { status: candidate?.status }, { status: 'dismissed' });
    return withoutRollout(action, key, []);
  }
  if (action === 'retry' && candidate?.status === 'dismissed') {
    await setCandidateStatus(db, name, 'discovered');
    await auditUpgrade(db, action, key, request, { status: 'dismissed' }, { status: 'discovered' });
    return withoutRollout(action, key, []);
  }
  if (action !== 'approve' && action !== 'promote') {
    throw new SignalboxError('conflict', `cannot ${action} ${name.modelId}: it has no rollout`);
  }
  const model = await modelOf(db, key);
  const opinion = proposeFor(model, await listOfferedModels(db));
  // One that is newer than another of its family would leave two generations in use.
  const isAlone = opinion.control === null || opinion.relation !== 'family';
  if (action === 'promote' && isAlone) return promoteAlone(db, model, request);
  const rollout = await propose(db, model, opinion, newest?.rolloutId ?? null, request);
  return performOn(db, rollout, action, request, settings);
}

async function performOn(
  db: Executor,
  rollout: Rollout,
  action: Exclude<UpgradeAction, 'retry'>,
  word: Word,
  { plan }: RolloutSettings,
): Promise<Done> {
  // One that is said twice, since the answer was lost, must not be done twice.
  if (action === 'advance' && rollout.state === 'canary') {
    const why = 'a canary goes on by its evidence alone; wait for it, or promote the model';
    throw new SignalboxError('conflict', `cannot advance ${rollout.modelId}: ${why}`);
  }
  const step = await applyEvent(db, rollout, action, word, evidenceSchema.parse(rollout.evidence), plan);
  if (action === 'dismiss') await setCandidateStatus(db, rollout, 'dismissed');
  return answer(step, rollout);
}

/** Another try, with nothing of the one before, in the same place; where that is gone, in the one that is proposed now. */
async function retry(db: Executor, before: Rollout, word: Word): Promise<Done> {
  const gone = whyGone(before, await findModelPlace(db, before.provider, before.modelId));
  const refusal = whyNotTriedAgain(before.state) ?? gone;
  if (refusal !== null) throw new SignalboxError('conflict', `cannot retry ${before.modelId}: ${refusal}`);
  const model = await modelOf(db, nameOf(before));
  const { control, reason, ...relation } = await placeOf(db, model, before);
  if (control === null) throw new SignalboxError('conflict', `cannot retry ${before.modelId}: ${reason}`);
  const rollout = await insertOrThrow(
    db,
    model,
    control,
    relation,
    { previousId: before.rolloutId, event: 'retry' },
    word,
  );
  await setCandidateStatus(db, before, 'discovered');
  const from: Position = { state: before.state, stage: before.stage, held: before.held };
  const to: Position = { state: rollout.state, stage: rollout.stage, held: rollout.held };
  return answer({ event: 'retry', from, to, share: rollout.share, statuses: [] }, rollout);
}

async function placeOf(
  db: Executor,
  model: Model,
  before: Rollout,
): Promise<Pick<Opinion, 'control' | 'relation' | 'automatic' | 'reason'>> {
  if ((await whyUntriable(db, before)) !== null) return proposeFor(model, await listOfferedModels(db));
  const { relation, automatic } = proposalSchema.parse(before.proposal);
  return { control: await modelOf(db, nameOf(controlOf(before))), relation, automatic, reason: before.reason };
}

async function locked(db: Executor, { rolloutId }: Rollout): Promise<Rollout> {
  const rollout = await lockRollout(db, rolloutId);
  if (rollout === undefined) throw new SignalboxError('not_found', `no rollout ${rolloutId}`, { param: 'id' });
  return rollout;
}

async function modelOf(db: Executor, key: string): Promise<Model> {
  const model = await findModel(db, key);
  if (model === undefined) {
    throw new SignalboxError('conflict', `the catalogue does not have ${key} yet; it comes with the next refresh`);
  }
  return model;
}

/** A rollout that nobody has proposed: an operator names what is replaced, or takes what is nearest. */
async function propose(
  db: Executor,
  model: Model,
  opinion: Opinion,
  previousId: string | null,
  request: ActionRequest,
): Promise<Rollout> {
  const { action, control: named } = request;
  const control = named === undefined ? opinion.control : await findModel(db, named);
  if (control === null || control === undefined) {
    const why = named === undefined ? opinion.reason : `no model ${named} in the catalogue`;
    const hint = named === undefined ? '; name with control what it would replace, or promote it' : '';
    throw new SignalboxError('conflict', `cannot ${action} ${model.model_id}: ${why}${hint}`, { param: 'control' });
  }
  if (modelKey(control) === modelKey(model)) {
    throw new SignalboxError('conflict', `${model.model_id} cannot replace itself`, { param: 'control' });
  }
  const relation = { relation: named === undefined ? opinion.relation : 'operator', automatic: false } as const;
  return insertOrThrow(db, model, control, relation, { previousId, event: 'propose' }, request);
}

async function insertOrThrow(
  db: Executor,
  model: Model,
  control: Model,
  opinion: Pick<Opinion, 'relation' | 'automatic'>,
  origin: ProposalOrigin,
  word: Word,
): Promise<Rollout> {
  const since = (await listedSince(db, [model])).get(modelKey(model)) ?? new Date(0);
  const id = await insertProposal(db, model, control, opinion, fingerprintOf(model, since), origin, word);
  const rollout = id === null ? undefined : await lockRollout(db, id);
  if (rollout === undefined) throw new SignalboxError('conflict', `${model.model_id} has a rollout already`);
  return rollout;
}

/** A model that replaces nothing gets its share of the traffic at once. */
async function promoteAlone(db: Executor, model: Model, word: Word): Promise<Done> {
  const { provider, model_id: modelId } = model;
  if (model.status === 'stable') throw new SignalboxError('conflict', `${modelKey(model)} is stable already`);
  const changes: StatusChange[] = [{ provider, modelId, status: 'stable', isPinned: true }];
  await writeStatuses(db, changes);
  await auditUpgrade(db, 'promote', modelKey(model), word, { status: model.status }, { status: 'stable' });
  return withoutRollout('promote', modelKey(model), changes);
}

function answer(step: Step, rollout: Rollout): Done {
  return {
    step,
    body: {
      dry_run: false,
      event: step.event,
      model: nameOf(rollout),
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

function withoutRollout(event: UpgradeAction, model: string, changes: readonly StatusChange[]): Done {
  const nowhere = { rollout_id: null, from: null, to: null, stage: 0, share: 0, held: false };
  return { step: null, body: { dry_run: false, event, model, ...nowhere, statuses: changes.map(toStatus) } };
}

function toStatus({ provider, modelId, status }: StatusChange): UpgradeStep['statuses'][number] {
  return { provider, model_id: modelId, status };
}
