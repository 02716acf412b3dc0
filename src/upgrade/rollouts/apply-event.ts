import type { Author } from '../../contracts/audit.ts';
import { rolloutsChannel } from '../../contracts/rollout.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { notify } from '../../platform/postgres/notify.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import { appendAudit } from '../../platform/store/audit-log.ts';
import { appendRolloutLog } from '../../platform/store/rollout-log.ts';
import { type Rollout, updateRollbackProposal, updateRolloutStep } from '../../platform/store/rollouts.ts';
import type { Evidence } from '../gate/evidence.ts';
import { type Plan, type Position, type RolloutEvent, shareAt, transition } from '../machine/machine.ts';
import { nameOf, planStatuses, type StatusChange, writeStatuses } from './model-statuses.ts';
import { proposalSchema } from './proposal.ts';

/** Whose word it is, and why. */
export interface Word {
  actor: string;
  reason: string;
  /** For the audit log. Left out: the service acts by itself. */
  author?: Author | undefined;
}

type StayEvent = 'share' | 'alarm' | 'all_clear';

/** A step that was taken, or would be. */
export interface Step {
  /**
   * Besides what can happen to a rollout: `share`: the configuration has another one for the place where it is; `retry`:
   * another try of its model has begun; `alarm` and `all_clear`: its rollback is proposed, and not any more.
   */
  event: RolloutEvent | StayEvent | 'retry';
  from: Position;
  to: Position;
  share: number;
  statuses: StatusChange[];
}

/**
 * What `event` does to a rollout: nothing is written.
 *
 * @throws SignalboxError `conflict` where the machine or the models do not allow it.
 */
export async function planEvent(db: Executor, rollout: Rollout, event: RolloutEvent, plan: Plan) {
  const from: Position = { state: rollout.state, stage: rollout.stage, held: rollout.held };
  const result = transition(from, event, plan);
  if (!result.ok) throw new SignalboxError('conflict', `cannot ${event} ${rollout.modelId}: ${result.reason}`);
  const { changes, proposal } = await planStatuses(
    db,
    rollout,
    result.to.state,
    proposalSchema.parse(rollout.proposal),
  );
  const share = shareAt(result.to, plan);
  const step: Step = { event, from, to: result.to, share, statuses: changes };
  return { step, proposal };
}

/**
 * Takes the step that `event` is, in the transaction of `db`, which must hold the lock of the rollouts and of this one's row:
 * state, log and statuses of models, and wakes whoever acts on them when it commits.
 *
 * @throws SignalboxError as `planEvent`.
 */
export async function applyEvent(
  db: Executor,
  rollout: Rollout,
  event: RolloutEvent,
  word: Word,
  evidence: Evidence,
  plan: Plan,
): Promise<Step> {
  const { actor, reason } = word;
  const { step, proposal } = await planEvent(db, rollout, event, plan);
  await updateRolloutStep(db, {
    rolloutId: rollout.rolloutId,
    ...step.to,
    share: step.share,
    reason,
    proposal,
    fingerprint: rollout.fingerprint,
    evidence,
  });
  await appendRolloutLog(db, rollout.rolloutId, {
    event,
    fromState: step.from.state,
    toState: step.to.state,
    fromStage: step.from.stage,
    toStage: step.to.stage,
    actor,
    reason,
    evidence: withoutLatencies(evidence),
  });
  await writeStatuses(db, step.statuses);
  const { rolloutId, share } = rollout;
  const after = { rollout_id: rolloutId, ...step.to, share: step.share, statuses: step.statuses, reason };
  await auditUpgrade(db, event, nameOf(rollout), word, { rollout_id: rolloutId, ...step.from, share }, after);
  await notify(db, rolloutsChannel, '');
  return step;
}

/** Adds what was done with a model to the audit log. */
export function auditUpgrade(
  db: Executor,
  event: string,
  model: string,
  { actor, author }: Word,
  before: unknown,
  after: unknown,
): Promise<void> {
  return appendAudit(db, {
    service: 'upgrade',
    author: author ?? { credential: 'upgrade', key_id: null, key_name: null, told_name: actor, address: null },
    action: `upgrade.${event}`,
    object: model,
    before,
    after,
  });
}

/** Gives a rollout the share that the plan has for its place, as `applyEvent` takes a step; it stays where it is. */
export async function applyShare(
  db: Executor,
  rollout: Rollout,
  { actor, reason }: Word,
  evidence: Evidence,
  plan: Plan,
): Promise<Step> {
  const share = shareAt(rollout, plan);
  await updateRolloutStep(db, { ...rollout, share });
  const words = `${reason}: ${rollout.share} is now ${share}`;
  const step = await appendStay(db, { ...rollout, share }, 'share', { actor, reason: words }, evidence);
  await notify(db, rolloutsChannel, '');
  return step;
}

/** Proposes to roll a promotion back for an incident, or, where `incidentId` is null, no longer; it stays where it is. */
export async function applyRollbackProposal(
  db: Executor,
  rollout: Rollout,
  incidentId: string | null,
  word: Word,
  evidence: Evidence,
): Promise<Step> {
  const { rolloutId } = rollout;
  await updateRollbackProposal(db, { rolloutId, rollbackIncidentId: incidentId, reason: word.reason });
  return appendStay(db, rollout, incidentId === null ? 'all_clear' : 'alarm', word, evidence);
}

async function appendStay(
  db: Executor,
  { rolloutId, state, stage, held, share }: Rollout,
  event: StayEvent,
  { actor, reason }: Word,
  evidence: Evidence,
): Promise<Step> {
  await appendRolloutLog(db, rolloutId, {
    event,
    fromState: state,
    toState: state,
    fromStage: stage,
    toStage: stage,
    actor,
    reason,
    evidence: withoutLatencies(evidence),
  });
  const place: Position = { state, stage, held };
  return { event, from: place, to: place, share, statuses: [] };
}

/** For the log: what the tests rest on, without what only the next observation needs. */
function withoutLatencies({ shadow, canary, ...rest }: Evidence): unknown {
  const { control_latencies_ms: _pairs, ...pairs } = shadow;
  const { control_latencies_ms: _answers, ...answers } = canary;
  return { ...rest, shadow: pairs, canary: answers };
}
