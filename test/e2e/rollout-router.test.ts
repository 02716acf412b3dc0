import { afterEach, describe, expect, it } from 'vitest';
import type { KeyWithSecret } from '../../src/contracts/keys.ts';
import { rolloutsChannel } from '../../src/contracts/rollout.ts';
import {
  aPoll,
  ask,
  asked,
  many,
  models,
  type RolloutApp,
  startRolloutApp,
} from '../integration/router-rollout/support.ts';
import { hangs } from './racing-upstream.ts';
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
}, 30_000);

it('gives a candidate up where nobody could end its trial, and takes it up again', async () => {
  app = await startRolloutApp();
  const { pool } = app.database;
  await app.begin('canary', 0.5);
  const arms = async (name: string) =>
    new Set((await many(16, 4, (index) => ask(app, `${name} ${index}`))).map(({ model }) => model));
  expect(await arms('before')).toEqual(new Set([control, candidate]));
  // The table cannot be read any more; all else can.
  await pool.query('alter table rollouts rename to rollouts_elsewhere');
  await aPoll();
  expect(await arms('at first')).toEqual(new Set([control, candidate]));
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  expect(await arms('later')).toEqual(new Set([control]));
  await pool.query('alter table rollouts_elsewhere rename to rollouts');
  await pool.query('select pg_notify($1, $2)', [rolloutsChannel, '']);
  await expect.poll(() => arms('again'), patience).toEqual(new Set([control, candidate]));
}, 40_000);
