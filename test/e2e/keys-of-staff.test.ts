import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KeyScope, type KeyWithSecret, keysChannel } from '../../src/contracts/keys.ts';
import type { ServiceName } from '../../src/contracts/api.ts';
import { notify } from '../../src/platform/postgres/notify.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

const masterKey = 'sb-master-key-57aff';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    config: { master_key: masterKey, authentication: { failures_per_minute: 100_000 } },
  });
});
afterAll(() => app.stop());

async function send(path: string, key: string, init: { method?: string; body?: unknown; service?: ServiceName } = {}) {
  const { method = 'POST', body, service = 'central' } = init;
  const response = await fetch(app.url(service) + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as KeyWithSecret };
}

/** A key that the services have heard of. */
async function makeKey(scope: KeyScope, by = masterKey): Promise<KeyWithSecret> {
  const made = (await send('/keys', by, { body: { name: scope, scope } })).body;
  const init = scope === 'call' ? ({ method: 'GET', service: 'router' } as const) : ({ method: 'GET' } as const);
  const path = scope === 'call' ? '/v1/models' : '/keys';
  await expect.poll(async () => (await send(path, made.key, init)).status).toBe(200);
  return made;
}

describe('a key of the scope admin', () => {
  it('makes other keys, and none of its own kind; renews itself alone; revokes any', async () => {
    const [own, other] = [await makeKey('admin'), await makeKey('admin')];
    const read = await makeKey('read', own.key);
    expect((await send('/keys', own.key, { body: { name: 'more', scope: 'admin' } })).status).toBe(403);
    const change = { method: 'PATCH', body: { expires_at: null } };
    expect((await send(`/keys/${own.key_id}`, own.key, change)).status).toBe(403);
    expect((await send(`/keys/${read.key_id}`, own.key, change)).status).toBe(200);
    expect((await send(`/keys/${other.key_id}/rotate`, own.key)).status).toBe(403);
    const renewed = await send(`/keys/${own.key_id}/rotate`, own.key);
    expect(renewed.status).toBe(200);
    await expect.poll(async () => (await send('/keys', own.key, { method: 'GET' })).status).not.toBe(200);
    const { key } = renewed.body;
    expect((await send(`/keys/${other.key_id}`, key, { method: 'DELETE' })).status).toBe(200);
    for (const service of ['central', 'registry', 'upgrade'] as const) {
      await expect
        .poll(async () => (await send('/config', other.key, { method: 'GET', service })).status)
        .not.toBe(200);
      expect((await send('/config', key, { method: 'GET', service })).status).toBe(200);
    }
  });
});

describe('a rotated key', () => {
  const isGood = async ({ key }: KeyWithSecret) =>
    (await send('/v1/models', key, { method: 'GET', service: 'router' })).status === 200;

  it('has its old text for as long as it was given, and one old text alone', async () => {
    const first = await makeKey('call');
    const rotate = async (body?: unknown) => (await send(`/keys/${first.key_id}/rotate`, masterKey, { body })).body;
    const second = await rotate({ grace_seconds: 3600 });
    const left = (Date.parse(second.previous_valid_until ?? '') - Date.now()) / 1000;
    expect(left).toBeGreaterThan(3000);
    await expect.poll(() => isGood(second)).toBe(true);
    expect(await isGood(first)).toBe(true);

    const third = await rotate({ grace_seconds: 3600 });
    await expect.poll(() => isGood(third)).toBe(true);
    expect([await isGood(first), await isGood(second)]).toEqual([false, true]);

    const { pool } = app.database;
    await pool.query(
      "update virtual_keys set previous_valid_until = now() - interval '1 second' where previous_key_hash is not null",
    );
    await notify(pool, keysChannel, '');
    await expect.poll(() => isGood(second)).toBe(false);
    expect(await isGood(third)).toBe(true);

    const fourth = await rotate();
    expect(fourth.previous_valid_until).toBeNull();
    await expect.poll(() => isGood(fourth)).toBe(true);
    expect(await isGood(third)).toBe(false);
  });
});
