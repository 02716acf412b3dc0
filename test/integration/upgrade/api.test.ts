import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evaluationSchema, evaluationsSchema, upgradeStepSchema } from '../../../src/contracts/upgrade-api.ts';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { notifyCatalogue } from '../../../src/platform/store/models.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../../src/platform/telemetry/metrics.ts';
import { createUpgrade, type Upgrade } from '../../../src/upgrade/upgrade.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { type ListServer, startListServer } from '../registry/list-server.ts';
import { type Answer, ask, startRegistry, until } from '../registry/registry-under-test.ts';
import {
  addModel,
  addRollout,
  alarm,
  countWaiting,
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
    config: createLiveConfig(upgradeConfig(settings)),
    providers: () => [server.provider()],
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
const evaluation = async (id: string) => evaluationSchema.parse((await ask<unknown>(`${url}/rollouts/${id}`)).body);
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

describe('a proposal', () => {
  it('is withdrawn when what it would replace is replaced, and made in the place of what is', async () => {
    await bringOut('gpt-6-sol', 'gpt-7-sol');
    await start();
    await ask(`${url}/discover`, 'POST');
    const first = (await candidate('gpt-7-sol')).rollout?.rollout_id ?? '';
    expect(await evaluation(first)).toMatchObject({ state: 'proposed', control: { model_id: 'gpt-5-sol' } });
    await act((await candidate('gpt-6-sol')).id, 'promote');
    await until(async () => (await evaluation(first)).state === 'withdrawn');
    expect(await evaluation(first)).toMatchObject({
      reason: 'openai/gpt-5-sol is deprecated: there is no traffic to share',
    });
    expect((await logOf(database.pool, first)).at(-1)).toBe('withdraw proposed 0 -> withdrawn 0 by upgrade');
    const second = (await candidate('gpt-7-sol')).rollout?.rollout_id ?? '';
    expect(await evaluation(second)).toMatchObject({
      state: 'proposed',
      previous_id: first,
      control: { model_id: 'gpt-6-sol' },
    });
    expect(await act<unknown>(second, 'approve')).toMatchObject({ status: 200 });
  });

  it('is withdrawn when its model has gone, or what it would replace, and cannot begin meanwhile', async () => {
    await addRollout(database.pool);
    await start();
    await database.pool.query("update models set listed = false where model_id = 'old-1'");
    expect(await act(rolloutId, 'approve')).toMatchObject({ status: 409 });
    await notifyCatalogue(database.pool);
    await until(async () => (await stateOf(database.pool))?.state === 'withdrawn');
    expect(await stateOf(database.pool)).toMatchObject({ reason: 'openai/old-1 is not offered any more' });
    expect(await statusesOf(database.pool)).toEqual({ 'old-1': 'stable', 'new-2': 'candidate' });
    expect(await act(rolloutId, 'retry')).toMatchObject({
      status: 409,
      body: {
        error: { message: expect.stringMatching(/^cannot retry new-2: nothing that it could replace/) as string },
      },
    });
    // It has a place of its own where there is none to take.
    expect(await act<unknown>(rolloutId, 'promote')).toMatchObject({ status: 200, body: { rollout_id: null } });
    expect(await statusesOf(database.pool)).toMatchObject({ 'new-2': 'stable pinned' });
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

  it('dismiss for good, and retry as another rollout, with nothing remembered', async () => {
    await bringOut('gpt-6-sol');
    await start();
    await ask(`${url}/discover`, 'POST');
    const { id } = await candidate('gpt-6-sol');
    await act(id, 'dismiss');
    await ask(`${url}/discover`, 'POST');
    expect(await candidate('gpt-6-sol')).toMatchObject({ status: 'dismissed', rollout: { state: 'dismissed' } });
    await act(id, 'retry');
    await act(id, 'approve');
    const first = (await candidate('gpt-6-sol')).rollout?.rollout_id ?? '';
    await observe(database.pool, pairs(3, 'neither', first));
    await until(async () => (await evaluation(first)).evidence.pairs === 3);
    await act(id, 'rollback');
    const { body } = await act<unknown>(id, 'retry');
    const second = upgradeStepSchema.parse(body).rollout_id ?? '';
    expect(second).not.toBe(first);
    expect(body).toMatchObject({ event: 'retry', from: 'rolled_back', to: 'proposed' });
    expect(await evaluation(second)).toMatchObject({ state: 'proposed', previous_id: first, evidence: { pairs: 0 } });
    expect(await logOf(database.pool, second)).toEqual(['retry -> proposed 0 by operator']);
    // The try before stays what it was, and is over; what is late of it changes nothing.
    await observe(database.pool, pairs(2, 'shadow', first));
    await until(async () => (await countWaiting(database.pool)) === 0);
    expect(await evaluation(first)).toMatchObject({ state: 'rolled_back', evidence: { pairs: 3 } });
    expect(await evaluation(id)).toMatchObject({ rollout_id: second, evidence: { pairs: 0 } });
    for (const action of ['retry', 'dismiss', 'approve']) {
      expect(await act(first, action)).toMatchObject({
        status: 409,
        body: { error: { message: `openai/gpt-6-sol was tried again since, as ${second}` } },
      });
    }
    expect(await act<unknown>(second, 'approve')).toMatchObject({ status: 200, body: { to: 'shadow' } });
  });

  it('advance out of shadow where nothing is copied, and say there what may be done', async () => {
    await addRollout(database.pool);
    await start();
    await act(rolloutId, 'approve');
    await observe(database.pool, pairs(3));
    await database.pool.query("update rollouts set stage_since = now() - interval '30 hours'");
    await until(async () => (await evaluation(rolloutId)).evidence.pairs === 3);
    const { advice } = await evaluation(rolloutId);
    expect(advice).toMatch(/^3 of 20 copies in 30 hours\. Copied are .* signalbox upgrade advance new-2 --reason "…"$/);
    expect(await act(rolloutId, 'advance', { reason: '' })).toMatchObject({ status: 400 });
    await act(rolloutId, 'hold');
    expect(await act(rolloutId, 'advance')).toMatchObject({ status: 409 });
    await act(rolloutId, 'resume');
    expect(await act<unknown>(rolloutId, 'advance', { actor: 'ada' })).toMatchObject({
      status: 200,
      body: { event: 'advance', from: 'shadow', to: 'canary', stage: 0, share: 0.1 },
    });
    // Said again, since the answer was lost: not done again.
    expect(await act(rolloutId, 'advance')).toMatchObject({
      status: 409,
      body: { error: { message: expect.stringContaining('a canary goes on by its evidence alone') as string } },
    });
    expect((await logOf(database.pool)).at(-1)).toBe('advance shadow 0 -> canary 0 by ada');
    expect((await evaluation(rolloutId)).advice).toBeNull();
  });

  it('are waited for after an alarm about a promotion, for as long as its incident is open', async () => {
    await addRollout(database.pool);
    await start();
    await act(rolloutId, 'promote');
    const { watched_until: until_, advice } = await evaluation(rolloutId);
    expect(advice).toBeNull();
    expect(Date.parse(until_ ?? '') - Date.now()).toBeGreaterThan(6.9 * 86_400_000);
    await alarm(database.pool, 'new-2');
    await until(async () => (await evaluation(rolloutId)).rollback_incident_id !== null);
    const { incidents } = (await ask<{ incidents: Array<{ incident_id: string }> }>(`${url}/incidents`)).body;
    const id = incidents[0]?.incident_id ?? '';
    expect(await evaluation(rolloutId)).toMatchObject({
      state: 'promoted',
      rollback_incident_id: id,
      advice: `signalbox upgrade rollback new-2 --reason "…", or POST /incidents/${id}/close with a reason`,
    });
    await ask(`${url}/incidents/${id}/close`, 'POST', { reason: 'the provider said so' });
    await until(async () => (await evaluation(rolloutId)).rollback_incident_id === null);
    expect(await evaluation(rolloutId)).toMatchObject({ state: 'promoted', advice: null });
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
