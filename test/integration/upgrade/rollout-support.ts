import type { Complexity } from '../../../src/contracts/query-class.ts';
import type { Config } from '../../../src/platform/config/load.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { uuidv7 } from '../../../src/platform/core/ids.ts';
import type { Pool, PoolClient } from '../../../src/platform/postgres/pool.ts';
import { insertObservations, type NewObservation } from '../../../src/platform/store/rollout-observations.ts';
import { openDriftIncidents } from '../../../src/platform/store/incidents.ts';
import { appendRolloutLog } from '../../../src/platform/store/rollout-log.ts';
import { findLatestRollouts, insertRollout } from '../../../src/platform/store/rollouts.ts';
import { recordCandidates } from '../../../src/platform/store/upgrade-candidates.ts';
import { noEvidence } from '../../../src/upgrade/gate/evidence.ts';
import { aModel } from '../../support/catalogue.ts';
import { until } from '../registry/registry-under-test.ts';
import { rolloutSettings, type RolloutSettings } from '../../../src/upgrade/rollouts/settings.ts';

/** Rollouts without waiting, which a test would have to sit out. */
export const impatient = {
  shadow: { min_hours: 0, min_pairs: 20 },
  canary: { min_hours: [0, 0, 0], min_answers: 1 },
};

/** With little evidence that is soon enough: `evenly(60, …)` of good answers promote. */
export const easy = { canary: { ...impatient.canary, margin: 10, acceptable_error_rate: 0.2 } };

export function upgradeConfig(upgrade: Record<string, unknown> = {}): Config {
  return loadConfig({
    env: {},
    cwd: '/nonexistent',
    flags: { ports: { upgrade: 0 }, upgrade: { ...impatient, ...upgrade } },
  });
}

export function settingsOf(upgrade: Record<string, unknown> = {}): RolloutSettings {
  return rolloutSettings(upgradeConfig(upgrade));
}

/** A model with nothing but a place in the catalogue. */
export async function addModel(pool: Pool, modelId: string, changes: Record<string, unknown> = {}): Promise<void> {
  const row = {
    provider: 'openai',
    model_id: modelId,
    status: 'stable',
    capabilities: aModel(modelId, 'openai', { capabilities: { multimodal: false } }).capabilities,
    input_modalities: ['text'],
    output_modalities: ['text'],
    input_usd_per_million_tokens: 1,
    output_usd_per_million_tokens: 4,
    context_window: 128_000,
    simple_score: 3,
    medium_score: 3,
    complex_score: 3,
    source: 'discovered',
    ...changes,
  };
  const names = Object.keys(row);
  await pool.query(
    `insert into models (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
}

export const rolloutId = '01900000-0000-7000-8000-000000000001';

/** `new-2` in the place of `old-1`, proposed. */
export async function addRollout(pool: Pool, id = rolloutId, [model, control] = ['new-2', 'old-1']): Promise<void> {
  await addModel(pool, control, {});
  await addModel(pool, model, { status: 'candidate' });
  await insertRollout(pool, {
    rolloutId: id,
    previousId: null,
    provider: 'openai',
    modelId: model,
    controlProvider: 'openai',
    controlModelId: control,
    reason: 'newer',
    proposal: { relation: 'family', automatic: true },
    fingerprint: 'f',
    evidence: noEvidence,
  });
  await appendRolloutLog(pool, id, {
    event: 'propose',
    fromState: null,
    toState: 'proposed',
    fromStage: null,
    toStage: 0,
    actor: 'test',
    reason: 'newer',
    evidence: {},
  });
}

export const nothing = { bad: null, latency_ms: null, streamed: null, cost_usd: null, pair: null };

export function pairs(count: number, error: 'neither' | 'shadow' = 'neither', id = rolloutId): NewObservation[] {
  const pair = { error, invalid: 'neither' as const, streamed: true, control_ms: 100, shadow_ms: 100 };
  return Array.from({ length: count }, () => ({
    ...nothing,
    rollout_id: id,
    arm: 'shadow',
    share: 0.02,
    kind: 'pair',
    pair,
  }));
}

/** Answers of one arm; latencies go round, so that nothing is slower on one side. */
export function answers(
  arm: 'canary' | 'control',
  share: number,
  count: number,
  bad = false,
  id = rolloutId,
): NewObservation[] {
  return Array.from({ length: count }, (_, index) => ({
    ...nothing,
    rollout_id: id,
    arm,
    share,
    kind: 'outcome',
    bad,
    latency_ms: bad ? null : 100 + (index % 20),
    streamed: bad ? null : true,
    cost_usd: 0.001,
  }));
}

export async function observe(pool: Pool, ...observations: NewObservation[][]): Promise<void> {
  await insertObservations(pool, observations.flat());
}

/** As many of both, one after the other, as a share of one half gives. */
export function evenly(count: number, bad: { canary: boolean; control: boolean }): NewObservation[] {
  const [canary, control] = [answers('canary', 0.5, count, bad.canary), answers('control', 0.5, count, bad.control)];
  return canary.flatMap((observation, index) => [observation, control[index] ?? observation]);
}

export interface State {
  state: string;
  stage: number;
  share: number;
  held: boolean;
  reason: string;
}

export async function stateOf(pool: Pool, id = rolloutId): Promise<State | undefined> {
  const { rows } = await pool.query<State>(
    'select state, stage, share, held, reason from rollouts where rollout_id = $1',
    [id],
  );
  return rows[0];
}

/** The steps of a rollout, or of all, without what differs from run to run. */
export async function logOf(pool: Pool, id: string | null = rolloutId): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
    `select concat_ws(' ', event, from_state, from_stage, '->', to_state, to_stage, 'by', actor) as line
     from rollout_log where $1::uuid is null or rollout_id = $1 order by seq`,
    [id],
  );
  return rows.map((row) => row.line);
}

export async function statusesOf(pool: Pool): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ model_id: string; status: string }>(
    `select model_id, status || case when 'status' = any(pinned_fields) then ' pinned' else '' end as status from models`,
  );
  return Object.fromEntries(rows.map((row) => [row.model_id, row.status]));
}

export async function countWaiting(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*)::integer as count from rollout_observations');
  return rows[0]?.count ?? 0;
}

/** A model that discovery has found, of the family `line` where it is called so, as `line-2`. */
export async function addCandidate(pool: Pool, modelId: string): Promise<void> {
  await addModel(pool, modelId, { status: 'candidate' });
  const found = { id: uuidv7(), provider: 'openai', modelId, preview: false, replaces: null, reason: 'is new' };
  await recordCandidates(pool, [found], new Date());
}

/** The id of the newest try of a model. */
export async function newestOf(pool: Pool, modelId: string): Promise<string | undefined> {
  return (await findLatestRollouts(pool, [{ provider: 'openai', modelId }])).get(`openai/${modelId}`)?.rolloutId;
}

/** The learner finds that a model fails far more than before. */
export async function alarm(pool: Pool, model: string, complexity: Complexity = 'simple'): Promise<void> {
  const evidence = { requests: 60, successes: 10, failures: 50 };
  const rates = { success_rate_before: 0.95, success_rate_after: 0.4 };
  await openDriftIncidents(pool, [{ model, complexity, detail: { ...rates, observations_before: 1000, evidence } }]);
}

/** The connections of processes that were killed are gone when the server has given their locks up. */
export async function untilUnlocked(pool: Pool): Promise<void> {
  await until(async () => {
    const { rows } = await pool.query<{ count: number }>(
      "select count(*)::integer as count from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    );
    return rows[0]?.count === 0;
  });
}

/** Removes all that rollouts leave, so that a test may begin anew. */
export async function forgetRollouts(pool: Pool): Promise<void> {
  // One transaction, without triggers. `truncate` would make new files of all tables, which takes longer than the test.
  await pool.query(`set local session_replication_role = replica;
    delete from rollout_log; delete from rollouts; delete from rollout_observations; delete from rollout_units;
    delete from incidents; delete from upgrade_candidates; delete from models`);
}

/** What a killed process leaves: a connection that is gone, and nothing that it could still say. */
export class Killed extends Error {}

/**
 * A pool whose process is killed at its n-th statement, counted from 0: right before the server sees it, or right after it
 * has done it, when nobody is left to read the answer. `statements` counts on.
 */
export function mortalPool(pool: Pool, at: { statement: number; moment: 'before' | 'after' } | null) {
  let statements = 0;
  let isDead = false;

  async function run<T>(work: () => Promise<T>, die: () => void): Promise<T> {
    if (isDead) throw new Killed('dead');
    const isLast = at !== null && statements === at.statement;
    statements += 1;
    if (!isLast) return work();
    if (at.moment === 'after') await work();
    isDead = true;
    die();
    throw new Killed('killed');
  }
  const mortal = new Proxy(pool, {
    get(target, name) {
      if (name === 'query') {
        return (...args: Parameters<Pool['query']>) =>
          run(
            () => target.query(...args) as unknown as Promise<unknown>,
            () => undefined,
          );
      }
      if (name === 'connect') return async () => mortalClient(await target.connect());
      return Reflect.get(target, name) as unknown;
    },
  });
  function mortalClient(client: PoolClient): PoolClient {
    let isReleased = false;
    function release(broken?: boolean | Error): void {
      if (isReleased) return;
      isReleased = true;
      client.release(broken);
    }
    return new Proxy(client, {
      get(target, name) {
        if (name === 'query') {
          return (...args: Parameters<PoolClient['query']>) =>
            run(
              () => target.query(...args) as unknown as Promise<unknown>,
              // The server sees the connection end, and rolls back what it had begun.
              () => release(true),
            );
        }
        if (name === 'release') return release;
        return Reflect.get(target, name) as unknown;
      },
    });
  }
  return { pool: mortal, statements: () => statements, isDead: () => isDead };
}
