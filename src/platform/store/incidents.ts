import type { Complexity } from '../../contracts/query-class.ts';
import type { IncidentBody } from '../../contracts/upgrade-api.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Executor } from '../postgres/pool.ts';

/** A model in use that has changed without a word. */
export interface Incident {
  incidentId: string;
  kind: 'drift';
  modelId: string;
  complexity: string;
  detail: unknown;
  openedAt: Date;
  /** When the model was found to be worse the last time. */
  lastAlarmAt: Date;
  closedAt: Date | null;
  closedReason: string | null;
}

interface IncidentRow {
  incident_id: string;
  kind: 'drift';
  model_id: string;
  complexity: string;
  detail: unknown;
  opened_at: Date;
  last_alarm_at: Date;
  closed_at: Date | null;
  closed_reason: string | null;
}

const columns = 'incident_id, kind, model_id, complexity, detail, opened_at, last_alarm_at, closed_at, closed_reason';

function toIncident(row: IncidentRow): Incident {
  return {
    incidentId: row.incident_id,
    kind: row.kind,
    modelId: row.model_id,
    complexity: row.complexity,
    detail: row.detail,
    openedAt: row.opened_at,
    lastAlarmAt: row.last_alarm_at,
    closedAt: row.closed_at,
    closedReason: row.closed_reason,
  };
}

/** As the API tells of it. */
export function toIncidentBody(incident: Incident): IncidentBody {
  return {
    incident_id: incident.incidentId,
    kind: incident.kind,
    model_id: incident.modelId,
    complexity: incident.complexity,
    detail: incident.detail,
    opened_at: incident.openedAt.toISOString(),
    last_alarm_at: incident.lastAlarmAt.toISOString(),
    closed_at: incident.closedAt?.toISOString() ?? null,
    closed_reason: incident.closedReason,
  };
}

/** Open ones first, then the newest: all, those that are open or closed, of one model, or with an alarm since a time. */
export async function listIncidents(
  db: Executor,
  filter: { open?: boolean | undefined; modelId?: string | undefined; since?: Date | undefined; limit: number },
): Promise<Incident[]> {
  const { rows } = await db.query<IncidentRow>(
    `select ${columns} from incidents
     where ($1::boolean is null or (closed_at is null) = $1) and ($2::text is null or model_id = $2)
       and ($3::timestamptz is null or last_alarm_at >= $3)
     order by closed_at is null desc, opened_at desc, incident_id limit $4`,
    [filter.open, filter.modelId, filter.since, filter.limit],
  );
  return rows.map(toIncident);
}

export async function findIncident(db: Executor, incidentId: string): Promise<Incident | undefined> {
  const { rows } = await db.query<IncidentRow>(`select ${columns} from incidents where incident_id = $1`, [incidentId]);
  return rows[0] === undefined ? undefined : toIncident(rows[0]);
}

/** Undefined where there is none that is open. */
export async function closeIncident(db: Executor, incidentId: string, reason: string): Promise<Incident | undefined> {
  const { rows } = await db.query<IncidentRow>(
    `update incidents set closed_at = now(), closed_reason = $2 where incident_id = $1 and closed_at is null
     returning ${columns}`,
    [incidentId, reason],
  );
  return rows[0] === undefined ? undefined : toIncident(rows[0]);
}

/** Of the model of a promotion the oldest open incident whose last alarm came within `watchHours` of the promotion. */
export async function findAlarmAfter(
  db: Executor,
  rolloutId: string,
  watchHours: number,
): Promise<Incident | undefined> {
  const { rows } = await db.query<IncidentRow>(
    `select ${columns} from incidents join rollouts using (model_id)
     where rollout_id = $1 and state = 'promoted' and closed_at is null
       and last_alarm_at between stage_since and stage_since + make_interval(secs => 3600 * $2)
     order by opened_at, incident_id limit 1`,
    [rolloutId, watchHours],
  );
  return rows[0] === undefined ? undefined : toIncident(rows[0]);
}

export async function countOpenIncidents(db: Executor): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    'select count(*)::integer as count from incidents where closed_at is null',
  );
  return rows[0]?.count ?? 0;
}

/** What the learner knew of a model when it found that the model fails far more than before. */
export interface DriftDetail {
  /** In [0, 1], as believed without and with the evidence of the alarm. */
  success_rate_before: number;
  success_rate_after: number;
  /** Outcomes seen before since the belief was begun; 0 where the rate before is the catalogue's word. */
  observations_before: number;
  /** What was taken in when the alarm came. Successes and failures are weighted by age, so they are no whole numbers. */
  evidence: { requests: number; successes: number; failures: number };
}

export interface Drift {
  model: string;
  complexity: Complexity;
  detail: DriftDetail;
}

/**
 * Opens an incident for each, unless one is open of the same model and complexity: of that one the time of the last alarm is
 * all that changes. Returns how many were opened.
 */
export async function openDriftIncidents(db: Executor, drifts: readonly Drift[]): Promise<number> {
  if (drifts.length === 0) return 0;
  const ids = new Set(drifts.map(() => uuidv7()));
  const { rows } = await db.query<{ incident_id: string }>(
    `insert into incidents (incident_id, kind, model_id, complexity, detail)
     select incident_id, 'drift', model_id, complexity, detail
     from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) as drift (incident_id, model_id, complexity, detail)
     order by model_id, complexity
     on conflict (kind, model_id, complexity) where closed_at is null do update set last_alarm_at = now()
     returning incident_id`,
    [
      [...ids],
      drifts.map(({ model }) => model),
      drifts.map(({ complexity }) => complexity),
      drifts.map(({ detail }) => JSON.stringify(detail)),
    ],
  );
  return rows.filter((row) => ids.has(row.incident_id)).length;
}
