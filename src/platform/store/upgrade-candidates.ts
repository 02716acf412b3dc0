import type { Executor } from '../postgres/pool.ts';

export interface UpgradeCandidate {
  id: string;
  provider: string;
  modelId: string;
  status: 'discovered' | 'dismissed';
  preview: boolean;
  /** The model of the same family that it is newer than, if any. */
  replaces: string | null;
  reason: string;
  firstSeenAt: Date;
  lastSeenAt: Date;
}

interface UpgradeCandidateRow {
  id: string;
  provider: string;
  model_id: string;
  status: UpgradeCandidate['status'];
  preview: boolean;
  replaces: string | null;
  reason: string;
  first_seen_at: Date;
  last_seen_at: Date;
}

const columns = 'id, provider, model_id, status, preview, replaces, reason, first_seen_at, last_seen_at';

function toCandidate(row: UpgradeCandidateRow): UpgradeCandidate {
  return {
    id: row.id,
    provider: row.provider,
    modelId: row.model_id,
    status: row.status,
    preview: row.preview,
    replaces: row.replaces,
    reason: row.reason,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
  };
}

/** The newest first; at most `limit`. */
export async function listUpgradeCandidates(db: Executor, limit: number): Promise<UpgradeCandidate[]> {
  const { rows } = await db.query<UpgradeCandidateRow>(
    `select ${columns} from upgrade_candidates order by first_seen_at desc, provider, model_id limit $1`,
    [limit],
  );
  return rows.map(toCandidate);
}

/** Those that were not dismissed, the oldest first. */
export async function listDiscoveredCandidates(db: Executor): Promise<UpgradeCandidate[]> {
  const { rows } = await db.query<UpgradeCandidateRow>(
    `select ${columns} from upgrade_candidates where status = 'discovered' order by first_seen_at, provider, model_id`,
  );
  return rows.map(toCandidate);
}

export async function findUpgradeCandidate(db: Executor, id: string): Promise<UpgradeCandidate | undefined> {
  const { rows } = await db.query<UpgradeCandidateRow>(`select ${columns} from upgrade_candidates where id = $1`, [id]);
  return rows[0] === undefined ? undefined : toCandidate(rows[0]);
}

/** What it would replace and why, or why nothing. */
export async function updateCandidateOpinion(
  db: Executor,
  id: string,
  replaces: string | null,
  reason: string,
): Promise<void> {
  await db.query(
    `update upgrade_candidates set replaces = $2, reason = $3
     where id = $1 and (replaces, reason) is distinct from ($2, $3)`,
    [id, replaces, reason],
  );
}

export async function setCandidateStatus(
  db: Executor,
  model: { provider: string; modelId: string },
  status: UpgradeCandidate['status'],
): Promise<void> {
  await db.query('update upgrade_candidates set status = $3 where provider = $1 and model_id = $2', [
    model.provider,
    model.modelId,
    status,
  ]);
}

export type NewCandidate = Omit<UpgradeCandidate, 'status' | 'firstSeenAt' | 'lastSeenAt'>;

/** Records candidates; those known before are only seen again. Answers the keys, `provider/model_id`, of the new ones. */
export async function recordCandidates(
  db: Executor,
  candidates: readonly NewCandidate[],
  seenAt: Date,
): Promise<string[]> {
  if (candidates.length === 0) return [];
  const { rows } = await db.query<{ key: string }>(
    `with before as (
       select provider, model_id from upgrade_candidates
     ), written as (
       insert into upgrade_candidates
         (id, provider, model_id, status, preview, replaces, reason, first_seen_at, last_seen_at)
       select id, provider, model_id, 'discovered', preview, replaces, reason, $7, $7
       from unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::text[])
         as c (id, provider, model_id, preview, replaces, reason)
       order by provider, model_id
       on conflict (provider, model_id) do update set last_seen_at = excluded.last_seen_at
       returning provider, model_id
     )
     select provider || '/' || model_id as key from written
     where not exists (select from before where before.provider = written.provider and before.model_id = written.model_id)
     order by provider, model_id`,
    [
      candidates.map((candidate) => candidate.id),
      candidates.map((candidate) => candidate.provider),
      candidates.map((candidate) => candidate.modelId),
      candidates.map((candidate) => candidate.preview),
      candidates.map((candidate) => candidate.replaces),
      candidates.map((candidate) => candidate.reason),
      seenAt,
    ],
  );
  return rows.map((row) => row.key);
}

export async function countUpgradeCandidates(db: Executor): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    "select count(*)::integer as count from upgrade_candidates where status = 'discovered'",
  );
  return rows[0]?.count ?? 0;
}
