import type { Executor } from '../postgres/pool.ts';

/** What one provider answered to one run. */
export interface DiscoveredProvider {
  provider: string;
  ok: boolean;
  /** Models it listed. */
  listed: number;
  newCandidates: number;
  error: string | null;
}

export interface DiscoveryRun {
  id: string;
  startedAt: Date;
  finishedAt: Date;
  trigger: 'manual' | 'schedule';
  providers: DiscoveredProvider[];
  /** Candidates found, those known before included. */
  found: number;
  newCandidates: number;
}

export async function insertDiscoveryRun(db: Executor, run: DiscoveryRun): Promise<void> {
  await db.query(
    `insert into discovery_runs (id, started_at, finished_at, trigger, providers, found, new_candidates)
     values ($1, $2, $3, $4, $5::jsonb, $6, $7)`,
    [run.id, run.startedAt, run.finishedAt, run.trigger, JSON.stringify(run.providers), run.found, run.newCandidates],
  );
}

/** Undefined before the first run. */
export async function findLatestDiscoveryRun(db: Executor): Promise<DiscoveryRun | undefined> {
  const { rows } = await db.query<{
    id: string;
    started_at: Date;
    finished_at: Date;
    trigger: DiscoveryRun['trigger'];
    providers: DiscoveredProvider[];
    found: number;
    new_candidates: number;
  }>(
    `select id, started_at, finished_at, trigger, providers, found, new_candidates
     from discovery_runs order by started_at desc limit 1`,
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    id: row.id,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    trigger: row.trigger,
    providers: row.providers,
    found: row.found,
    newCandidates: row.new_candidates,
  };
}
