import { afterEach, describe, expect, it } from 'vitest';
import type { KeyWithSecret } from '../../src/contracts/keys.ts';
import { rolloutsChannel } from '../../src/contracts/rollout.ts';
import { ask, asked, many, models, type RolloutApp, startRolloutApp } from '../integration/router-rollout/support.ts';
import { fails, hangs, says } from './racing-upstream.ts';
import { getJson, patience } from './requests.ts';

const { control, candidate } = models;

let app: RolloutApp;
afterEach(() => app.stop());

const copies = (): number => asked(app).filter((model) => model === candidate).length;
const withCentral = ['registry', 'router', 'central'] as const;

async function makeKey(more: Record<string, unknown>): Promise<Record<string, string>> {
  const { key } = await getJson<KeyWithSecret>(`${app.url('central')}/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'test', ...more }),
  });
  const headers = { authorization: `Bearer ${key}` };
  await expect.poll(async () => (await ask(app, 'ready', { model: models.spare }, headers)).status, patience).toBe(200);
  return headers;
}

async function skipped(reason: string): Promise<number> {
  const name = `signalbox_router_shadow_skipped_total{reason="${reason}"}`;
  const line = (await app.metrics.text()).split('\n').find((one) => one.startsWith(name));
  return Number(line?.slice(name.length) ?? 0);
}

describe('copies', () => {
  it('are made of the requests of keys that allow it, and of callers without one where the operator does', async () => {
    app = await startRolloutApp({ upgrade: { shadow: { without_key: false } } }, withCentral);
    const willing = await makeKey({ may_shadow: true });
    const unwilling = await makeKey({});
    await app.begin('shadow', 1);
    await ask(app, 'nobody');
    await ask(app, 'unwilling', {}, unwilling);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(copies()).toBe(0);
    await ask(app, 'willing', {}, willing);
    await expect.poll(copies, patience).toBe(1);
  }, 30_000);

  it('cost no more in a day than they may, and count what they did cost', async () => {
    // 10 tokens in and 5 out are 0.00002 USD; before, an answer of 100 tokens may cost some 0.0002.
    app = await startRolloutApp({ upgrade: { shadow: { max_usd_per_day: 0.00025 } } });
    await app.begin('shadow', 1);
    for (let index = 0; index < 12; index += 1) {
      const before = copies() + (await skipped('budget'));
      await ask(app, `one ${index}`, { max_tokens: 100 });
      await expect.poll(async () => copies() + (await skipped('budget')), patience).toBe(before + 1);
      await app.events((all) => all.filter(({ rollout }) => rollout?.pair !== undefined).length === copies());
    }
    expect(copies()).toBeGreaterThan(1);
    expect(copies()).toBeLessThan(8);
  }, 30_000);

  it('are not made of a model whose price is unknown', async () => {
    app = await startRolloutApp();
    await app.database.pool.query(
      'update models set input_usd_per_million_tokens = null, output_usd_per_million_tokens = null where model_id = $1',
      [candidate],
    );
    await app.database.pool.query("select pg_notify('signalbox_catalogue', '')");
    await app.begin('shadow', 1);
    await ask(app, 'one');
    await expect.poll(() => skipped('price_unknown'), patience).toBe(1);
    expect(copies()).toBe(0);
  }, 30_000);

  it('that still wait for a place when the trial ends are not sent', async () => {
    app = await startRolloutApp({ resilience: { concurrency: { per_provider: 1, max_wait_ms: 10_000 } } });
    let goOn: () => void = () => undefined;
    const later = new Promise<void>((resolve) => (goOn = resolve));
    app.raw.plays = { [candidate]: says('late', { after: later }) };
    const rolloutId = await app.begin('shadow', 1);
    await ask(app, 'one');
    await ask(app, 'two');
    await expect.poll(copies, patience).toBe(1);
    await app.step(rolloutId, 'rolled_back', 0);
    await app.untilKnown();
    goOn();
    await expect.poll(() => skipped('no_copy'), patience).toBe(1);
    expect(copies()).toBe(1);
  }, 30_000);

  it('are ended soon after the router is told to stop', async () => {
    app = await startRolloutApp();
    app.raw.plays = { [candidate]: hangs };
    await app.begin('shadow', 1);
    await ask(app, 'one');
    await expect.poll(copies, patience).toBe(1);
    const startedAt = performance.now();
    await app.stopServices();
    expect(performance.now() - startedAt).toBeGreaterThan(1900);
    expect(performance.now() - startedAt).toBeLessThan(6000);
    expect(app.raw.cutOff).toEqual([candidate]);
    const events = await app.events((all) =>
      all.some(({ origin, outcome }) => origin === 'shadow' && outcome !== 'routed'),
    );
    const ofCopy = events.filter(({ origin }) => origin === 'shadow');
    expect(ofCopy.map(({ outcome }) => outcome)).toEqual(['routed', 'cancelled']);
  }, 30_000);
});

it('lets the control answer where a budget does not suffice for a candidate that is dearer', async () => {
  app = await startRolloutApp({}, withCentral);
  await app.database.pool.query('update models set output_usd_per_million_tokens = 1000000 where model_id = $1', [
    candidate,
  ]);
  await app.database.pool.query("select pg_notify('signalbox_catalogue', '')");
  const key = await makeKey({ budget: { limit_usd: 1 } });
  await app.begin('canary', 0.5);
  const answers = await many(20, 2, (index) => ask(app, `poor ${index}`, { max_tokens: 100 }, key));
  expect(new Set(answers.map(({ status, model }) => `${status} ${model ?? ''}`))).toEqual(new Set([`200 ${control}`]));
  // It is no fault of the candidate's.
  await expect.poll(() => endsOf('canary', 1), patience).toMatchObject([{ outcome: 'success' }]);
  const spared = [{ outcome: 'cancelled', error_code: 'spared_busy' }];
  await expect.poll(() => endsOf('canary', 0), patience).toMatchObject(spared);
  expect((await observed('canary')).total).toBe(0);
}, 30_000);

/** The different ends of an arm's attempts of this number. */
async function endsOf(arm: string, attempt: number): Promise<unknown[]> {
  const { rows } = await app.database.pool.query(
    `select outcome, error_code, count(*)::int as count from routing_records
     where rollout_arm = $1 and attempt = $2 group by 1, 2 order by 1, 2`,
    [arm, attempt],
  );
  return rows;
}

/** Of an arm: all that ended, of these the bad ones, and the requests for which its model was not there. */
async function observed(arm: string): Promise<{ total: number; bad: number; unavailable: number }> {
  const { rows } = await app.database.pool.query<{ total: number; bad: number; unavailable: number }>(
    `select count(*) filter (where kind = 'outcome')::int as total, count(*) filter (where bad)::int as bad,
       count(*) filter (where kind = 'unavailable')::int as unavailable
     from rollout_observations where arm = $1`,
    [arm],
  );
  return rows[0] ?? { total: 0, bad: 0, unavailable: 0 };
}

it('shows a candidate that is dead by the calls that met it, and that it was not there for all others', async () => {
  app = await startRolloutApp({ resilience: {} }, withCentral);
  app.raw.plays = { [candidate]: fails(500) };
  await app.begin('canary', 0.5);
  const count = 300;
  const answers = await many(count, 4, (index) => ask(app, `dead ${index}`));
  expect(new Set(answers.map(({ status, model }) => `${status} ${model ?? ''}`))).toEqual(new Set([`200 ${control}`]));
  await expect
    .poll(async () => {
      const arms = await Promise.all([observed('canary'), observed('control')]);
      return arms.reduce((sum, arm) => sum + arm.total + arm.unavailable, 0);
    }, patience)
    .toBe(count);
  const canary = await observed('canary');
  expect(canary.total + canary.unavailable).toBeGreaterThan(count / 3);
  expect(canary).toMatchObject({ total: copies(), bad: copies() });
  // Enough to see, and few, for its circuit is open then.
  expect(canary.bad).toBeGreaterThanOrEqual(5);
  expect(canary.bad).toBeLessThan(canary.unavailable / 4);
  expect(await observed('control')).toMatchObject({ bad: 0, unavailable: 0 });
}, 60_000);

it('does not hold it against a candidate that it has but few of its provider’s places', async () => {
  app = await startRolloutApp({ resilience: { concurrency: { per_provider: 8 } } }, withCentral);
  const slow = new Promise((resolve) => setTimeout(resolve, 3000));
  app.raw.plays = { [candidate]: says('late', { after: slow }) };
  await app.begin('canary', 0.5);
  const answers = await many(40, 8, (index) => ask(app, `crowd ${index}`));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await expect
    .poll(() => endsOf('canary', 0), patience)
    .toEqual([
      { outcome: 'cancelled', error_code: 'spared_busy', count: expect.any(Number) as number },
      { outcome: 'success', error_code: null, count: expect.any(Number) as number },
    ]);
  expect((await observed('canary')).bad).toBe(0);
}, 30_000);

it('tells how long clients waited for a candidate who then left', async () => {
  app = await startRolloutApp({}, withCentral);
  app.raw.plays = { [candidate]: hangs, [control]: hangs };
  await app.begin('canary', 0.5);
  await many(12, 12, async (index) => {
    const response = fetch(`${app.routerUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-session-id': `leaving ${index}` },
      body: JSON.stringify({ model: 'auto', stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
      signal: AbortSignal.timeout(500),
    });
    await expect(response).rejects.toThrow(/timeout/);
  });
  const waits = async () => {
    const { rows } = await app.database.pool.query<{ arm: string; bad: null; latency_ms: number; unit: string }>(
      "select arm, bad, latency_ms, unit from rollout_observations where kind = 'left'",
    );
    return rows;
  };
  await expect.poll(async () => (await waits()).length, patience).toBe(12);
  const left = await waits();
  expect(new Set(left.map(({ arm }) => arm))).toEqual(new Set(['canary', 'control']));
  expect(left.every(({ bad, latency_ms: ms }) => bad === null && ms > 200 && ms < 1500)).toBe(true);
  expect(new Set(left.map(({ unit }) => unit)).size).toBe(12);
}, 30_000);

describe('a judge', () => {
  const scores = '{"scores":{"A":9,"B":3}}';
  const judged = (): boolean => asked(app).includes(models.judge);
  const compared = async (): Promise<{ scores: unknown } | undefined> => {
    const { rows } = await app.database.pool.query<{ pair: { scores: unknown } }>(
      "select pair from rollout_observations where kind = 'pair' order by id desc limit 1",
    );
    return rows[0]?.pair;
  };

  it.each<[what: string, permitted: boolean, key: Record<string, unknown>, body: Record<string, unknown>]>([
    ['may', true, {}, {}],
    ['may not, by the models of the key,', false, { models: [control, candidate, models.spare] }, {}],
    ['may not, by the providers of the request,', false, {}, { provider: { only: ['raw'] } }],
    ['may not, by those that it ignores,', false, {}, { provider: { ignore: ['other'] } }],
  ])(
    'that %s see a request',
    async (_, isPermitted, key, body) => {
      app = await startRolloutApp({ upgrade: { shadow: { judge: `other/${models.judge}` } } }, withCentral, 'other');
      app.raw.plays = { [models.judge]: says(scores) };
      const headers = await makeKey({ may_shadow: true, ...key });
      await app.begin('shadow', 1);
      await ask(app, 'one', body, headers);
      await expect.poll(compared, patience).toMatchObject({ error: 'neither' });
      expect(judged()).toBe(isPermitted);
      expect((await compared())?.scores !== null).toBe(isPermitted);
    },
    30_000,
  );
});

it('gives a candidate up where nobody could end its trial, and takes it up again', async () => {
  app = await startRolloutApp();
  const { pool } = app.database;
  await app.begin('canary', 0.5);
  const arms = async (name: string) =>
    new Set((await many(16, 4, (index) => ask(app, `${name} ${index}`))).map(({ model }) => model));
  expect(await arms('before')).toEqual(new Set([control, candidate]));
  // The table cannot be read any more; all else can.
  await pool.query('alter table rollouts rename to rollouts_elsewhere');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(await arms('a second later')).toEqual(new Set([control]));
  await pool.query('alter table rollouts_elsewhere rename to rollouts');
  await pool.query('select pg_notify($1, $2)', [rolloutsChannel, '']);
  await expect.poll(() => arms('again'), patience).toEqual(new Set([control, candidate]));
}, 30_000);
