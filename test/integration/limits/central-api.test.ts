import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCentral } from '../../../src/central/central.ts';
import { type Key, keysChannel, type KeyWithSecret, type Team } from '../../../src/contracts/keys.ts';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { listAudit } from '../../../src/platform/store/audit-log.ts';
import { listActiveKeys } from '../../../src/platform/store/virtual-keys.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import type { Admission } from '../../../src/router/admission/admission.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { budgetOf, callerOf, noSignal, startAdmission } from './support.ts';

let database: TestDatabase;
let central: ReturnType<typeof createCentral>;
beforeAll(async () => {
  database = await createTestDatabase();
  const config = loadConfig({ env: {}, cwd: '/', flags: { ports: { central: 0 } } });
  central = createCentral({
    ...database,
    config: createLiveConfig(config),
    log: silentLogger(),
    metrics: createMetrics(),
  });
  await central.start();
});
afterAll(async () => {
  await central.stop();
  await database.drop();
});

/** The type of the answer is the caller's word for it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
async function call<T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }> {
  const response = await fetch(`http://127.0.0.1:${central.port()}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: response.status, body: (await response.json()) as T };
}

const isKnown = (admission: Admission, key: string): boolean => {
  try {
    return callerOf(admission, key).keyId !== null;
  } catch {
    return false;
  }
};

describe('keys', () => {
  it('are made, shown once, changed, rotated and revoked, and routers hear of it', async () => {
    const admission = await startAdmission(database);
    const made = await call<KeyWithSecret>('POST', '/keys', {
      name: 'laptop',
      models: ['gpt-*'],
      budget: { limit_usd: 10, period: 'month' },
      requests_per_minute: 60,
      expires_at: '2099-01-01T00:00:00Z',
    });
    expect(made.status).toBe(201);
    const { key, ...shown } = made.body;
    expect(key).toMatch(/^sk-sb-[\w-]{43}$/);
    expect(shown).toMatchObject({
      name: 'laptop',
      prefix: key.slice(0, 12),
      status: 'active',
      team: null,
      models: ['gpt-*'],
      budget: { limit_usd: 10, period: 'month', spent_usd: 0, leased_usd: 0, remaining_usd: 10, forfeited_usd: 0 },
      requests_per_minute: 60,
      tokens_per_minute: null,
      expires_at: '2099-01-01T00:00:00.000Z',
      revoked_at: null,
    });
    const nextMonth = new Date();
    const endsAt = new Date(Date.UTC(nextMonth.getUTCFullYear(), nextMonth.getUTCMonth() + 1)).toISOString();
    expect(shown.budget?.period_ends_at).toBe(endsAt);
    await expect.poll(() => isKnown(admission, key)).toBe(true);

    const path = `/keys/${shown.key_id}`;
    expect(await call('GET', path)).toEqual({ status: 200, body: shown });
    const changed = await call<Key>('PATCH', path, { name: 'desktop', models: null, requests_per_minute: null });
    expect(changed).toMatchObject({ status: 200, body: { name: 'desktop', models: null, requests_per_minute: null } });
    expect(changed.body.budget).toEqual(shown.budget);
    await expect.poll(() => callerOf(admission, key).allowedModels).toBeNull();

    const reservation = await admission.reserve(
      callerOf(admission, key),
      { inputTokens: 1, outputTokens: 1, costUsd: 2 },
      noSignal,
    );
    reservation.settle({ inputTokens: 1, outputTokens: 1, costUsd: 1.5 });
    await expect.poll(async () => (await call<Key>('GET', path)).body.budget?.spent_usd).toBe(1.5);

    const rotated = await call<KeyWithSecret>('POST', `${path}/rotate`, {});
    expect(rotated).toMatchObject({ status: 200, body: { key_id: shown.key_id, budget: { spent_usd: 1.5 } } });
    await expect.poll(() => [key, rotated.body.key].map((text) => isKnown(admission, text))).toEqual([false, true]);

    const revoked = await call<Key>('DELETE', path);
    expect(revoked).toMatchObject({ status: 200, body: { status: 'revoked' } });
    expect(await call('DELETE', path)).toEqual(revoked);
    expect(await listAudit(database.pool, { action: 'key.revoke', object: shown.key_id }, 10)).toHaveLength(1);
    await expect.poll(() => isKnown(admission, rotated.body.key), { timeout: 1000 }).toBe(false);
    expect(await call('POST', `${path}/rotate`, {})).toMatchObject({
      status: 409,
      body: { error: { code: 'conflict' } },
    });
    expect((await call<{ keys: Key[] }>('GET', '/keys')).body.keys).toEqual([]);
    expect((await call<{ keys: Key[] }>('GET', '/keys?revoked=true')).body.keys).toMatchObject([{ name: 'desktop' }]);
    await admission.stop();
    // Neither text can be found anywhere.
    const { rows } = await database.pool.query<{ row: string }>('select k::text as row from virtual_keys k');
    expect(JSON.stringify(rows)).not.toContain(key.slice(12));
    expect(JSON.stringify(rows)).not.toContain(rotated.body.key.slice(12));
  });

  it.each([
    ['POST', '/keys', {}, 400],
    ['POST', '/keys', { name: ' ' }, 400],
    ['POST', '/keys', { name: 'a\u0000b' }, 400],
    ['POST', '/keys', { name: 'a', budget: { limit_usd: -1 } }, 400],
    ['POST', '/keys', { name: 'a', budget: { limit_usd: 1, period: 'year' } }, 400],
    ['POST', '/keys', { name: 'a', models: [] }, 400],
    ['POST', '/keys', { name: 'a', requests_per_minute: 0 }, 400],
    ['POST', '/keys', { name: 'a', expires_at: 'tomorrow' }, 400],
    ['POST', '/keys', { name: 'a', unknown: 1 }, 400],
    ['POST', '/keys', { name: 'a', team: 'nobody' }, 404],
    ['GET', '/keys/nobody', undefined, 400],
    ['GET', '/keys/00000000-0000-7000-8000-000000000000', undefined, 404],
    ['PATCH', '/keys/00000000-0000-7000-8000-000000000000', { name: 'a' }, 404],
    ['DELETE', '/keys/00000000-0000-7000-8000-000000000000', undefined, 404],
    ['POST', '/keys/00000000-0000-7000-8000-000000000000/rotate', {}, 404],
    ['GET', '/keys?team=nobody', undefined, 404],
    ['GET', '/teams/nobody', undefined, 404],
    ['PATCH', '/teams/nobody', { name: 'a' }, 404],
    ['DELETE', '/teams/nobody', undefined, 404],
  ])('%s %s %j answers %i', async (method, path, body, status) => {
    expect((await call(method, path, body)).status).toBe(status);
    expect((await call<{ keys: Key[] }>('GET', '/keys')).body.keys).toEqual([]);
  });
});

it('a key’s requests may be copied when its owner says so, and routers hear of it', async () => {
  const admission = await startAdmission(database);
  const { key, ...made } = (await call<KeyWithSecret>('POST', '/keys', { name: 'plain' })).body;
  expect(made.may_shadow).toBe(false);
  const path = `/keys/${made.key_id}`;
  const stored = async (): Promise<boolean | undefined> => {
    const keys = await listActiveKeys(database.pool, ['call'], 100);
    return keys.find(({ keyId }) => keyId === made.key_id)?.mayShadow;
  };
  expect(await stored()).toBe(false);
  await expect.poll(() => isKnown(admission, key)).toBe(true);

  const listener = await database.pool.connect();
  const notified = new Promise<string>((resolve) => listener.on('notification', ({ channel }) => resolve(channel)));
  await listener.query(`listen ${keysChannel}`);
  expect(await call<Key>('PATCH', path, { may_shadow: true })).toEqual({
    status: 200,
    body: { ...made, may_shadow: true },
  });
  expect(await notified).toBe(keysChannel);
  listener.release(true);
  expect(await stored()).toBe(true);
  // What a change leaves out stays.
  expect(await call<Key>('PATCH', path, { name: 'named' })).toMatchObject({
    body: { name: 'named', may_shadow: true },
  });
  expect((await call<{ keys: Key[] }>('GET', '/keys')).body.keys).toMatchObject([{ name: 'named', may_shadow: true }]);
  expect(await call<Key>('PATCH', path, { may_shadow: false })).toMatchObject({ body: { may_shadow: false } });
  expect((await call('PATCH', path, { may_shadow: 'yes' })).status).toBe(400);

  const open = await call<KeyWithSecret>('POST', '/keys', { name: 'open', may_shadow: true });
  expect(open).toMatchObject({ status: 201, body: { may_shadow: true } });
  const rotated = await call<KeyWithSecret>('POST', `/keys/${open.body.key_id}/rotate`, {});
  expect(rotated.body.may_shadow).toBe(true);
  for (const id of [made.key_id, open.body.key_id]) await call('DELETE', `/keys/${id}`);
  await admission.stop();
});

describe('teams', () => {
  it('are made, changed and deleted, when no key is in use', async () => {
    const made = await call<Team>('POST', '/teams', { name: 'Web & co', budget: { limit_usd: 5 } });
    expect(made).toMatchObject({ status: 201, body: { name: 'Web & co', keys: 0, budget: { period: 'total' } } });
    expect((await call('POST', '/teams', { name: 'Web & co' })).status).toBe(409);
    await call('POST', '/teams', { name: 'other' });
    expect((await call('PATCH', '/teams/other', { name: 'Web & co' })).status).toBe(409);

    const path = `/teams/${encodeURIComponent('Web & co')}`;
    const key = (await call<Key>('POST', '/keys', { name: 'a', team: 'Web & co' })).body;
    expect(key.team).toEqual({ team_id: made.body.team_id, name: 'Web & co' });
    expect((await call<{ keys: Key[] }>('GET', `/keys?team=${made.body.team_id}`)).body.keys).toMatchObject([
      { name: 'a' },
    ]);
    expect(await call('PATCH', path, { tokens_per_minute: 500, budget: null })).toMatchObject({
      body: { keys: 1, tokens_per_minute: 500, budget: null },
    });
    expect((await call<{ teams: Team[] }>('GET', '/teams')).body.teams.map((team) => team.name).sort()).toEqual([
      'Web & co',
      'other',
    ]);
    expect((await call('DELETE', path)).status).toBe(409);
    expect(await call('PATCH', `/keys/${key.key_id}`, { team: null })).toMatchObject({ body: { team: null } });
    expect((await call('DELETE', path)).status).toBe(200);
    expect((await call('GET', path)).status).toBe(404);
  });
});

it('what an instance held that vanished is charged', async () => {
  const { key_id: keyId, key } = (
    await call<KeyWithSecret>('POST', '/keys', { name: 'a', budget: { limit_usd: 1, period: 'total' } })
  ).body;
  const admission = await startAdmission(database, { lease_ms: 1000, flush_ms: 600_000 });
  await admission.reserve(callerOf(admission, key), { inputTokens: 1, outputTokens: 1, costUsd: 0.2 }, noSignal);
  await expect
    .poll(async () => (await budgetOf(database.pool, keyId)).forfeited, { timeout: 8000 })
    .toBeGreaterThan(0.19);
  const { body } = await call<Key>('GET', `/keys/${keyId}`);
  expect(body.budget).toMatchObject({ leased_usd: 0, spent_usd: body.budget?.forfeited_usd });
  await admission.stop();
});
