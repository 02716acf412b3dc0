import type { RolloutState } from '../../contracts/rollout.ts';
import type { Executor } from '../postgres/pool.ts';

/** A model on its way into the place of another: one try of it. */
export interface Rollout {
  rolloutId: string;
  /** The try of the same model before this one; null of the first. */
  previousId: string | null;
  provider: string;
  modelId: string;
  controlProvider: string;
  controlModelId: string;
  state: RolloutState;
  stage: number;
  share: number;
  held: boolean;
  reason: string;
  proposal: unknown;
  fingerprint: string;
  evidence: unknown;
  createdAt: Date;
  stageSince: Date;
  updatedAt: Date;
  /** Of a promotion: the incident for which it is proposed to roll it back. */
  rollbackIncidentId: string | null;
  /** How long it has been in its state and stage, in milliseconds, by the database's clock. */
  ageMs: number;
}

interface RolloutRow {
  rollout_id: string;
  previous_id: string | null;
  provider: string;
  model_id: string;
  control_provider: string;
  control_model_id: string;
  state: RolloutState;
  stage: number;
  share: number;
  held: boolean;
  reason: string;
  proposal: unknown;
  fingerprint: string;
  evidence: unknown;
  created_at: Date;
  stage_since: Date;
  updated_at: Date;
  rollback_incident_id: string | null;
  age_ms: number;
}

const columns = `rollout_id, previous_id, provider, model_id, control_provider, control_model_id, state, stage, share, held, reason,
  proposal, fingerprint, evidence, created_at, stage_since, updated_at, rollback_incident_id,
  (extract(epoch from now() - stage_since) * 1000)::float8 as age_ms`;

function toRollout(row: RolloutRow): Rollout {
  return {
    rolloutId: row.rollout_id,
    previousId: row.previous_id,
    provider: row.provider,
    modelId: row.model_id,
    controlProvider: row.control_provider,
    controlModelId: row.control_model_id,
    state: row.state,
    stage: row.stage,
    share: row.share,
    held: row.held,
    reason: row.reason,
    proposal: row.proposal,
    fingerprint: row.fingerprint,
    evidence: row.evidence,
    createdAt: row.created_at,
    stageSince: row.stage_since,
    updatedAt: row.updated_at,
    rollbackIncidentId: row.rollback_incident_id,
    ageMs: row.age_ms,
  };
}

export interface RolloutFilter {
  states?: readonly RolloutState[] | undefined;
  limit: number;
}

/** The newest first. */
export async function listRollouts(db: Executor, { states, limit }: RolloutFilter): Promise<Rollout[]> {
  const { rows } = await db.query<RolloutRow>(
    `select ${columns} from rollouts where $1::text[] is null or state = any($1)
     order by created_at desc, rollout_id desc limit $2`,
    [states ?? null, limit],
  );
  return rows.map(toRollout);
}

export async function findRollout(db: Executor, rolloutId: string): Promise<Rollout | undefined> {
  const { rows } = await db.query<RolloutRow>(`select ${columns} from rollouts where rollout_id = $1`, [rolloutId]);
  return rows[0] === undefined ? undefined : toRollout(rows[0]);
}

/** As `findRollout`; nobody else changes it until the transaction ends. */
export async function lockRollout(db: Executor, rolloutId: string): Promise<Rollout | undefined> {
  const { rows } = await db.query<RolloutRow>(`select ${columns} from rollouts where rollout_id = $1 for update`, [
    rolloutId,
  ]);
  return rows[0] === undefined ? undefined : toRollout(rows[0]);
}

/** The newest rollout of each of these models, by `provider/model_id`. */
export async function findLatestRollouts(
  db: Executor,
  models: ReadonlyArray<{ provider: string; modelId: string }>,
): Promise<Map<string, Rollout>> {
  const { rows } = await db.query<RolloutRow>(
    `select distinct on (provider, model_id) ${columns} from rollouts
     where (provider, model_id) in (select * from unnest($1::text[], $2::text[]))
     order by provider, model_id, created_at desc, rollout_id desc`,
    [models.map(({ provider }) => provider), models.map(({ modelId }) => modelId)],
  );
  return new Map(rows.map((row) => [`${row.provider}/${row.model_id}`, toRollout(row)]));
}

/** A rollout that is under way and in which this model takes part, on either side. */
export async function findTrialOf(db: Executor, provider: string, modelId: string): Promise<Rollout | undefined> {
  const { rows } = await db.query<RolloutRow>(
    `select ${columns} from rollouts
     where state in ('shadow', 'canary')
       and ((control_provider, control_model_id) = ($1, $2) or (provider, model_id) = ($1, $2))
     order by created_at, rollout_id limit 1`,
    [provider, modelId],
  );
  return rows[0] === undefined ? undefined : toRollout(rows[0]);
}

/** The newest promotion to the place of this model that came after the step of `after` and was not rolled back. */
export async function findSuccession(
  db: Executor,
  provider: string,
  modelId: string,
  after: Pick<Rollout, 'rolloutId'>,
): Promise<Rollout | undefined> {
  const { rows } = await db.query<RolloutRow>(
    `select ${columns} from rollouts
     where control_provider = $1 and control_model_id = $2 and state = 'promoted' and rollout_id <> $3
       and stage_since > (select stage_since from rollouts where rollout_id = $3)
     order by stage_since desc, rollout_id desc limit 1`,
    [provider, modelId, after.rolloutId],
  );
  return rows[0] === undefined ? undefined : toRollout(rows[0]);
}

/** The ids of those that routers act on. */
export async function listRolloutsUnderWay(db: Executor): Promise<string[]> {
  const { rows } = await db.query<{ rollout_id: string }>(
    "select rollout_id from rollouts where state in ('shadow', 'canary') order by created_at, rollout_id",
  );
  return rows.map((row) => row.rollout_id);
}

/** The ids of those that need nobody's word and whose place is free, the oldest first. */
export async function listAutomaticProposals(db: Executor): Promise<string[]> {
  const { rows } = await db.query<{ rollout_id: string }>(
    `select rollout_id from rollouts where state = 'proposed' and proposal @> '{"automatic": true}'
       and not exists (
         select from rollouts other where other.state in ('shadow', 'canary')
           and (other.control_provider, other.control_model_id) = (rollouts.control_provider, rollouts.control_model_id))
     order by created_at, rollout_id`,
  );
  return rows.map((row) => row.rollout_id);
}

/** The ids of those that wait for approval, the oldest first. */
export async function listProposals(db: Executor): Promise<string[]> {
  const { rows } = await db.query<{ rollout_id: string }>(
    "select rollout_id from rollouts where state = 'proposed' order by created_at, rollout_id",
  );
  return rows.map((row) => row.rollout_id);
}

/**
 * The ids of promotions to look at: those for whose model an alarm came within `watchHours` of them, in an incident that is
 * open, as long as no other model was promoted to its place; and those whose rollback is proposed.
 */
export async function listAlarmedPromotions(db: Executor, watchHours: number): Promise<string[]> {
  const { rows } = await db.query<{ rollout_id: string }>(
    `select rollout_id from rollouts
     where state = 'promoted' and (rollback_incident_id is not null or (
       exists (
         select from incidents where incidents.model_id = rollouts.model_id and closed_at is null
           and last_alarm_at between stage_since and stage_since + make_interval(secs => 3600 * $1))
       and not exists (
         select from rollouts later where later.state = 'promoted' and later.stage_since > rollouts.stage_since
           and (later.control_provider, later.control_model_id) = (rollouts.provider, rollouts.model_id))))
     order by stage_since, rollout_id`,
    [watchHours],
  );
  return rows.map((row) => row.rollout_id);
}

export type NewRollout = Pick<
  Rollout,
  | 'rolloutId'
  | 'previousId'
  | 'provider'
  | 'modelId'
  | 'controlProvider'
  | 'controlModelId'
  | 'reason'
  | 'proposal'
  | 'fingerprint'
  | 'evidence'
>;

/** A proposal. False where the candidate has a rollout that is not over. Tries have the order of the clock, as steps do. */
export async function insertRollout(db: Executor, rollout: NewRollout): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into rollouts (rollout_id, previous_id, provider, model_id, control_provider, control_model_id, state, reason,
       proposal, fingerprint, evidence, created_at)
     values ($1, $2, $3, $4, $5, $6, 'proposed', $7, $8::jsonb, $9, $10::jsonb, clock_timestamp())
     on conflict (provider, model_id) where state in ('proposed', 'shadow', 'canary') do nothing`,
    [
      rollout.rolloutId,
      rollout.previousId,
      rollout.provider,
      rollout.modelId,
      rollout.controlProvider,
      rollout.controlModelId,
      rollout.reason,
      JSON.stringify(rollout.proposal),
      rollout.fingerprint,
      JSON.stringify(rollout.evidence),
    ],
  );
  return rowCount === 1;
}

/**
 * A step: the time in state and stage begins anew, unless only `held` has changed. No rollback is proposed any more. By the
 * clock and not by the transaction's start, so that steps taken one after another are so by their times, too.
 */
export async function updateRolloutStep(
  db: Executor,
  step: Pick<
    Rollout,
    'rolloutId' | 'state' | 'stage' | 'share' | 'held' | 'reason' | 'proposal' | 'fingerprint' | 'evidence'
  >,
): Promise<void> {
  await db.query(
    `update rollouts set
       stage_since = case when (state, stage) = ($2, $3) then stage_since else clock_timestamp() end,
       state = $2, stage = $3, share = $4, held = $5, reason = $6, proposal = $7::jsonb, fingerprint = $8,
       evidence = $9::jsonb, rollback_incident_id = null, updated_at = now()
     where rollout_id = $1`,
    [
      step.rolloutId,
      step.state,
      step.stage,
      step.share,
      step.held,
      step.reason,
      JSON.stringify(step.proposal),
      step.fingerprint,
      JSON.stringify(step.evidence),
    ],
  );
}

export async function updateRolloutEvidence(
  db: Executor,
  { rolloutId, evidence, reason }: Pick<Rollout, 'rolloutId' | 'evidence' | 'reason'>,
): Promise<void> {
  await db.query('update rollouts set evidence = $2::jsonb, reason = $3, updated_at = now() where rollout_id = $1', [
    rolloutId,
    JSON.stringify(evidence),
    reason,
  ]);
}

/** Says for which incident it is proposed to roll a promotion back; null: for none any more. */
export async function updateRollbackProposal(
  db: Executor,
  { rolloutId, rollbackIncidentId, reason }: Pick<Rollout, 'rolloutId' | 'rollbackIncidentId' | 'reason'>,
): Promise<void> {
  await db.query(
    'update rollouts set rollback_incident_id = $2, reason = $3, updated_at = now() where rollout_id = $1',
    [rolloutId, rollbackIncidentId, reason],
  );
}

export async function countRollouts(db: Executor): Promise<Map<RolloutState, number>> {
  const { rows } = await db.query<{ state: RolloutState; count: number }>(
    'select state, count(*)::integer as count from rollouts group by state',
  );
  return new Map(rows.map(({ state, count }) => [state, count]));
}
