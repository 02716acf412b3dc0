import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evaluationsSchema, upgradeStepSchema } from '../../../src/contracts/upgrade-api.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../../src/platform/telemetry/metrics.ts';
import { createUpgrade, type Upgrade } from '../../../src/upgrade/upgrade.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { type ListServer, startListServer } from '../registry/list-server.ts';
import { type Answer, ask, startRegistry, until } from '../registry/registry-under-test.ts';
import {
  addModel,
  addRollout,
  logOf,
  observe,
  pairs,
  rolloutId,
  stateOf,
  statusesOf,
  upgradeConfig,
} from './rollout-support.ts';

let database: TestDatabase;
let server: ListServer;
let upgrade: Upgrade | undefined;
let metrics: Metrics;
let url: string;

beforeEach(async () => {
  database = await createTestDatabase();
  server = await startListServer('gpt-5-sol', 'gpt-5-luna');
});
afterEach(async () => {
  await upgrade?.stop();
  upgrade = undefined;
  await server.stop();
  await database.drop();
});

async function start(settings: Record<string, unknown> = { mode: 'approve' }): Promise<void> {
  metrics = createMetrics();
  upgrade = createUpgrade({
    config: upgradeConfig(settings),
    providers: [server.provider()],
    pool: database.pool,
    connectionString: database.connectionString,
    log: silentLogger(),
    metrics,
  });
  await upgrade.start();
  url = `http://127.0.0.1:${upgrade.port()}`;
}

async function refresh(): Promise<void> {
  const registry = await startRegistry(database.pool, [server.provider()]);
  await registry.stop();
}

/** A provider that is known for an hour and has brought these out since. */
async function bringOut(...ids: string[]): Promise<void> {
  await refresh();
  await database.pool.query("update models set created_at = created_at - interval '1 hour'");
  server.list('gpt-5-sol', 'gpt-5-luna', ...ids);
  await refresh();
  // The list of this server has no prices; unknown ones are nothing to compare.
  await database.pool.query(
    'update models set input_usd_per_million_tokens = 1, output_usd_per_million_tokens = 4, context_window = 128000',
  );
}

interface CandidateBody {
  id: string;
  model_id: string;
  status: string;
  replaces: string | null;
  reason: string;
  rollout: { rollout_id: string; state: string } | null;
}
const candidates = async () => (await ask<{ candidates: CandidateBody[] }>(`${url}/candidates`)).body.candidates;
async function candidate(modelId: string): Promise<CandidateBody> {
  const found = (await candidates()).find(({ model_id: id }) => id === modelId);
  if (found === undefined) throw new Error(`no candidate ${modelId}`);
  return found;
}
const act = <T = { error: { message: string; code: string } }>(
  id: string,
  action: string,
  body: object = {},
): Promise<Answer<T>> => ask<T>(`${url}/candidates/${id}/${action}`, 'POST', { reason: 'because', ...body });

describe('discovery', () => {
  it('proposes what is newer, lists the rest with the reason, and waits in the mode approve', async () => {
    await bringOut('gpt-6-sol', 'gpt-7-luna-preview', 'gpt-5-sol-2026-01-01');
    await start();
    await ask(`${url}/discover`, 'POST');
    expect(await candidate('gpt-6-sol')).toMatchObject({
      replaces: 'gpt-5-sol',
      reason: 'newer than gpt-5-sol',
      rollout: { state: 'proposed' },
    });
    expect(await candidate('gpt-7-luna-preview')).toMatchObject({
      rollout: null,
      reason: 'a preview; previews are not tried by themselves',
    });
    expect((await candidates()).filter(({ rollout }) => rollout !== null)).toHaveLength(1);
    expect(await statusesOf(database.pool)).toMatchObject({ 'gpt-5-sol': 'stable', 'gpt-6-sol': 'candidate' });
    await ask(`${url}/discover`, 'POST');
    const { evaluations } = evaluationsSchema.parse((await ask<unknown>(`${url}/evaluations`)).body);
    expect(evaluations).toHaveLength(1);
  });

  it('tries it at once in the mode auto, and nothing in the mode off', async () => {
    await bringOut('gpt-6-sol');
    await start({ mode: 'off' });
    await ask(`${url}/discover`, 'POST');
    expect(await candidate('gpt-6-sol')).toMatchObject({ rollout: null });
    await upgrade?.stop();
    await start({ mode: 'auto' });
    await ask(`${url}/discover`, 'POST');
    await until(async () => (await candidate('gpt-6-sol')).rollout?.state === 'shadow');
    expect((await candidate('gpt-6-sol')).rollout?.state).toBe('shadow');
  });

  it('does not propose again what was rolled back, until it has changed', async () => {
    await bringOut('gpt-6-sol');
    await start({ mode: 'approve' });
    await ask(`${url}/discover`, 'POST');
    const { id } = await candidate('gpt-6-sol');
    await act(id, 'approve');
    await act(id, 'rollback');
    const first = (await candidate('gpt-6-sol')).rollout?.rollout_id;
    await ask(`${url}/discover`, 'POST');
    expect((await candidate('gpt-6-sol')).rollout).toMatchObject({ rollout_id: first, state: 'rolled_back' });
    await database.pool.query("update models set output_usd_per_million_tokens = 3 where model_id = 'gpt-6-sol'");
    await ask(`${url}/discover`, 'POST');
    const second = (await candidate('gpt-6-sol')).rollout;
    expect(second?.state).toBe('proposed');
    expect(second?.rollout_id).not.toBe(first);
  });

  it('proposes again what nothing was found against: the model in whose place it was tried had gone', async () => {
    await bringOut('gpt-6-sol');
    await start({ mode: 'approve' });
    await ask(`${url}/discover`, 'POST');
    const { id } = await candidate('gpt-6-sol');
    await act(id, 'approve');
    const first = (await candidate('gpt-6-sol')).rollout?.rollout_id;
    const setStatus = (status: string) =>
      database.pool.query("update models set status = $1 where model_id = 'gpt-5-sol'", [status]);
    await setStatus('disabled');
    await until(async () => (await candidate('gpt-6-sol')).rollout?.state === 'rolled_back');
    await setStatus('stable');
    await ask(`${url}/discover`, 'POST');
    const second = (await candidate('gpt-6-sol')).rollout;
    expect(second?.state).toBe('proposed');
    expect(second?.rollout_id).not.toBe(first);
  });
});

describe('actions', () => {
  it('say in a dry run what would happen, and do nothing', async () => {
    await addRollout(database.pool);
    await start();
    const { status, body } = await act<unknown>(rolloutId, 'promote', { dry_run: true });
    expect(status).toBe(200);
    expect(upgradeStepSchema.parse(body)).toMatchObject({
      dry_run: true,
      from: 'proposed',
      to: 'promoted',
      share: 1,
      statuses: [
        { model_id: 'new-2', status: 'stable' },
        { model_id: 'old-1', status: 'deprecated' },
      ],
    });
    expect(await stateOf(database.pool)).toMatchObject({ state: 'proposed' });
    expect(await logOf(database.pool)).toHaveLength(1);
    expect(await statusesOf(database.pool)).toEqual({ 'old-1': 'stable', 'new-2': 'candidate' });
  });

  it('refuse what cannot be, with what is wrong', async () => {
    await addRollout(database.pool);
    await start();
    expect(await act(rolloutId, 'hold')).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    expect(await act('01900000-0000-7000-8000-00000000dead', 'promote')).toMatchObject({ status: 404 });
    expect(await act('nobody', 'promote')).toMatchObject({ status: 400 });
    expect(await act(rolloutId, 'promote', { reason: ' ' })).toMatchObject({ status: 400 });
    expect(await ask(`${url}/rollouts/01900000-0000-7000-8000-00000000dead/log`)).toMatchObject({ status: 404 });
  });

  it('promote by hand what replaces nothing, and try it in the place that is named', async () => {
    await bringOut('zeta-1', 'eta-1');
    await database.pool.query(
      "update models set output_usd_per_million_tokens = null where model_id in ('zeta-1', 'eta-1')",
    );
    await start();
    await ask(`${url}/discover`, 'POST');
    const zeta = await candidate('zeta-1');
    expect(zeta).toMatchObject({
      replaces: null,
      rollout: null,
      reason: expect.stringContaining('nothing that') as string,
    });
    expect(await act(zeta.id, 'approve')).toMatchObject({ status: 409 });
    expect(await act<unknown>(zeta.id, 'promote')).toMatchObject({ status: 200, body: { rollout_id: null } });
    expect(await statusesOf(database.pool)).toMatchObject({ 'zeta-1': 'stable pinned', 'gpt-5-sol': 'stable' });

    const eta = await candidate('eta-1');
    expect(await act<unknown>(eta.id, 'approve', { control: 'openai/gpt-5-luna' })).toMatchObject({
      status: 200,
      body: { from: 'proposed', to: 'shadow' },
    });
    const { body } = await ask<unknown>(`${url}/evaluations`);
    expect(evaluationsSchema.parse(body).evaluations[0]).toMatchObject({
      control: { model_id: 'gpt-5-luna' },
      proposal: { relation: 'operator' },
    });
    await act(zeta.id, 'dismiss');
    expect(await candidate('zeta-1')).toMatchObject({ status: 'dismissed' });
  });

  it('dismiss for good, and retry with nothing remembered', async () => {
    await bringOut('gpt-6-sol');
    await start();
    await ask(`${url}/discover`, 'POST');
    const { id } = await candidate('gpt-6-sol');
    await act(id, 'dismiss');
    await ask(`${url}/discover`, 'POST');
    expect(await candidate('gpt-6-sol')).toMatchObject({ status: 'dismissed', rollout: { state: 'dismissed' } });
    await act(id, 'retry');
    await act(id, 'approve');
    const rollout = (await candidate('gpt-6-sol')).rollout?.rollout_id ?? '';
    await observe(database.pool, pairs(3, 'neither', rollout));
    await until(async () => {
      const { body } = await ask<unknown>(`${url}/evaluations`);
      return evaluationsSchema.parse(body).evaluations[0]?.evidence.pairs === 3;
    });
    await act(id, 'rollback');
    await act(id, 'retry');
    const { body } = await ask<unknown>(`${url}/evaluations`);
    expect(evaluationsSchema.parse(body).evaluations[0]).toMatchObject({ state: 'proposed', evidence: { pairs: 0 } });
  });

  it('are all in the log, which nobody can change', async () => {
    await addRollout(database.pool);
    await start();
    await act(rolloutId, 'approve', { actor: 'ada' });
    const { body } = await ask<{ log: unknown[] }>(`${url}/rollouts/${rolloutId}/log`);
    expect(body.log).toMatchObject([
      { event: 'propose', from_state: null, to_state: 'proposed' },
      { event: 'approve', from_state: 'proposed', to_state: 'shadow', actor: 'ada', reason: 'because' },
    ]);
    await expect(database.pool.query('delete from rollout_log')).rejects.toThrow('only ever added to');
  });
});

it('wakes for observations at once', async () => {
  await addRollout(database.pool);
  await start();
  await act(rolloutId, 'approve');
  await observe(database.pool, pairs(20));
  await until(async () => (await stateOf(database.pool))?.state === 'canary');
  await until(async () => (await metrics.text()).includes('signalbox_upgrade_rollouts{state="proposed"}'));
  expect(await metrics.text()).toContain('signalbox_upgrade_deployments_total{event="advance"} 1');
});

describe('incidents', () => {
  it('are listed, and closed by people alone, once', async () => {
    const id = '01900000-0000-7000-8000-0000000000aa';
    await database.pool.query(
      `insert into incidents (incident_id, kind, model_id, complexity, detail) values ($1, 'drift', 'old-1', 'simple', '{"n": 1}')`,
      [id],
    );
    await start();
    expect((await ask<unknown>(`${url}/incidents?open=true`)).body).toMatchObject({
      count: 1,
      incidents: [{ incident_id: id, model_id: 'old-1', detail: { n: 1 }, closed_at: null }],
    });
    await until(async () => (await metrics.text()).includes('signalbox_upgrade_open_incidents 1'));
    expect(await ask(`${url}/incidents/${id}/close`, 'POST', {})).toMatchObject({ status: 400 });
    const close = () => ask<unknown>(`${url}/incidents/${id}/close`, 'POST', { reason: 'the provider said so' });
    expect(await close()).toMatchObject({ status: 200, body: { closed_reason: 'the provider said so' } });
    expect(await close()).toMatchObject({ status: 409 });
    expect(await ask(`${url}/incidents/${rolloutId}/close`, 'POST', { reason: 'x' })).toMatchObject({ status: 404 });
    expect((await ask<unknown>(`${url}/incidents?open=true`)).body).toMatchObject({ count: 0 });
  });
});

describe('the sweep of refiners', () => {
  async function call(modelId: string, times: number, firstTokenMs: number): Promise<void> {
    await database.pool.query(
      `insert into routing_records (timestamp, instance_id, complexity, model, provider, score, outcome, decision_id,
         time_to_first_token_ms)
       select now(), 'test', 'simple', $1, 'openai', 1, 'success', gen_random_uuid(), $3 from generate_series(1, $2)`,
      [modelId, times, firstTokenMs],
    );
  }

  it.each([
    ['auto', 1, { refiner: true, pinned_fields: ['capabilities.fast_inference'] }],
    ['approve', 0, { refiner: false, pinned_fields: [] }],
  ])('measures who fits, and in the mode %s makes %d', async (mode, changed, expected) => {
    for (const id of ['quick-1', 'slow-1', 'unknown-1']) await addModel(database.pool, id);
    await addModel(database.pool, 'dear-1', { output_usd_per_million_tokens: 50 });
    await call('quick-1', 30, 300);
    await call('slow-1', 30, 800);
    await call('unknown-1', 29, 300);
    await start({ mode });
    const { body } = await ask<unknown>(`${url}/refiners/sweep`, 'POST');
    expect(body).toMatchObject({
      budget_ms: 500,
      changed,
      models: [
        { model_id: 'quick-1', calls: 30, p50_ms: 300, fits: true },
        { model_id: 'slow-1', fits: false },
        { model_id: 'unknown-1', calls: 29, fits: null },
      ],
    });
    const { rows } = await database.pool.query("select refiner, pinned_fields from models where model_id = 'quick-1'");
    expect(rows).toEqual([expected]);
  });
});
