import type { Executor } from '../postgres/pool.ts';

/** A model in use that has changed without a word. */
export interface Incident {
  incidentId: string;
  kind: 'drift';
  modelId: string;
  complexity: string;
  detail: unknown;
  openedAt: Date;
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
  closed_at: Date | null;
  closed_reason: string | null;
}

const columns = 'incident_id, kind, model_id, complexity, detail, opened_at, closed_at, closed_reason';

function toIncident(row: IncidentRow): Incident {
  return {
    incidentId: row.incident_id,
    kind: row.kind,
    modelId: row.model_id,
    complexity: row.complexity,
    detail: row.detail,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
    closedReason: row.closed_reason,
  };
}

/** Open ones first, then the newest. */
export async function listIncidents(db: Executor, filter: { open?: boolean | undefined; limit: number }) {
  const { rows } = await db.query<IncidentRow>(
    `select ${columns} from incidents where $1::boolean is null or (closed_at is null) = $1
     order by closed_at is null desc, opened_at desc, incident_id limit $2`,
    [filter.open ?? null, filter.limit],
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

export async function countOpenIncidents(db: Executor): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    'select count(*)::integer as count from incidents where closed_at is null',
  );
  return rows[0]?.count ?? 0;
}
