import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditEntry, auditPageSchema } from '../../src/contracts/audit.ts';
import type { Key, KeyWithSecret } from '../../src/contracts/keys.ts';
import { maintainOnce } from '../../src/central/maintain/maintenance.ts';
import { appendAudit, listAudit } from '../../src/platform/store/audit-log.ts';
import { addRollout, impatient, rolloutId } from '../integration/upgrade/rollout-support.ts';
import { startSignalbox, startTestApp, type TestApp } from '../support/app.ts';
import { operator } from '../support/author.ts';
import { getJson } from './requests.ts';

const masterKey = 'sb-master-key-a0d17';
const readKey = 'sb-read-only-key-a0d17';
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    config: {
      master_key: masterKey,
      read_key: readKey,
      registry: { refresh_ms: 3_600_000 },
      upgrade: { ...impatient, mode: 'approve' },
    },
  });
});
afterAll(() => app.stop());

async function send(method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method,
    headers: {
      ...bearer(masterKey),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json().catch(() => null) };
}

async function entries(query = ''): Promise<AuditEntry[]> {
  const page = await getJson(`${app.url('central')}/audit?${query}`, { headers: bearer(readKey) });
  return auditPageSchema.parse(page).entries;
}

describe('the audit log', () => {
  it('tells who did what on every service, from where, and what it changed', async () => {
    const central = app.url('central');
    await send('POST', `${central}/teams`, { name: 'web', requests_per_minute: 60 });
    const made = (await send('POST', `${central}/keys`, { name: 'staff', scope: 'admin' })).body as KeyWithSecret;
    await expect.poll(async () => (await fetch(`${central}/keys`, { headers: bearer(made.key) })).status).toBe(200);
    const staff = bearer(made.key);
    const told = { ...staff, 'x-signalbox-actor': encodeURIComponent('Zoë\u0000') };
    const key = (await send('POST', `${central}/keys`, { name: 'ci', team: 'web' }, told)).body as KeyWithSecret;
    await send('PATCH', `${central}/keys/${key.key_id}`, { budget: { limit_usd: 5, period: 'day' } }, staff);
    const rotated = (await send('POST', `${central}/keys/${key.key_id}/rotate`, undefined, staff))
      .body as KeyWithSecret;
    await send('DELETE', `${central}/keys/${key.key_id}`, undefined, staff);
    await send('POST', `${central}/scores/restore`, { to: 'catalogue' });
    await send('PATCH', `${app.url('registry')}/models/openai%2Fgpt-6-sol`, { status: 'deprecated' });
    await addRollout(app.database.pool);
    const act = `/candidates/${rolloutId}`;
    const word = { reason: 'looks good', actor: 'ada' };
    // Tried out, and not done.
    await send('POST', `${app.url('upgrade')}${act}/approve`, { ...word, dry_run: true });
    // Through central, as the dashboard does it, and as somebody who has a key of his own.
    const approved = await send('POST', `${central}/services/upgrade${act}/approve`, word, staff);
    expect(approved.status).toBe(200);

    const all = (await entries()).toReversed();
    expect(all.map(({ service, action, author }) => `${service} ${action} ${author.credential}`)).toEqual([
      'central team.create master',
      'central key.create master',
      'central key.create key',
      'central key.update key',
      'central key.rotate key',
      'central key.revoke key',
      'central scores.restore master',
      'registry model.update master',
      'upgrade upgrade.approve key',
    ]);
    expect(all[2]).toMatchObject({
      author: { key_id: made.key_id, key_name: 'staff', told_name: 'Zoë', address: '127.0.0.1' },
      object: key.key_id,
      before: null,
      after: { name: 'ci', scope: 'call', team: 'web', budget: null },
      outcome: 'done',
    });
    expect(all[3]).toMatchObject({ before: { budget: null }, after: { budget: { limit_usd: 5, period: 'day' } } });
    expect(all[5]).toMatchObject({ before: { revoked_at: null }, after: { revoked_at: expect.any(String) as string } });
    expect(all[7]).toMatchObject({ object: 'openai/gpt-6-sol', after: { status: 'deprecated' } });
    expect(all[8]).toMatchObject({
      author: { key_name: 'staff', address: '127.0.0.1' },
      object: 'openai/new-2',
      before: { state: 'proposed' },
      after: { state: 'shadow', reason: 'looks good' },
    });
    const text = JSON.stringify(all);
    for (const secret of [made.key, key.key, rotated.key, masterKey, readKey]) expect(text).not.toContain(secret);
    expect(
      await app.database.pool.query('select * from audit_log').then(({ rows }) => JSON.stringify(rows)),
    ).not.toMatch(/sk-sb-[\w-]{10}/);
  });

  it('is read page by page, by action, object and time', async () => {
    const all = await entries();
    const paged: AuditEntry[] = [];
    for (let before = ''; ;) {
      const url = `${app.url('central')}/audit?limit=4${before}`;
      const page = auditPageSchema.parse(await getJson(url, { headers: bearer(readKey) }));
      paged.push(...page.entries);
      if (page.next === null) break;
      before = `&before=${page.next}`;
    }
    expect(paged).toEqual(all);
    expect((await entries('action=key')).map(({ action }) => action)).toEqual([
      'key.revoke',
      'key.rotate',
      'key.update',
      'key.create',
      'key.create',
    ]);
    expect(await entries('action=key.rotate')).toHaveLength(1);
    expect(await entries('object=openai%2Fnew-2')).toHaveLength(1);
    expect(await entries(`since=${all[2]?.at ?? ''}`)).toEqual(all.slice(0, 3));
    expect(await entries(`until=${all[2]?.at ?? ''}`)).toEqual(all.slice(3));

    const child = startSignalbox(['audit', '--action', 'key', '--url', app.url('central')], {
      SIGNALBOX_MASTER_KEY: masterKey,
    });
    expect(await child.waitForExit()).toBe(0);
    expect(child.stdout()).toMatch(/^\S+ \S+ +key staff \(Zoë\) +127\.0\.0\.1 +key\.create +\S+ +name="ci"/m);
  });

  it('holds whatever central may say of those who asked it', async () => {
    const said = { credential: 'key', key_id: null, key_name: 'a\u0000b', told_name: null, address: '\u0000' };
    const change = async (author: object) => {
      const header = encodeURIComponent(JSON.stringify(author));
      const url = `${app.url('central')}/teams/web`;
      const { status } = await send('PATCH', url, { requests_per_minute: 61 }, { 'x-signalbox-author': header });
      expect(status).toBe(200);
      return (await entries('action=team.update&limit=1'))[0]?.author;
    };
    expect(await change(said)).toMatchObject({ credential: 'key', key_name: 'ab', address: '' });
    expect(await change({ ...said, key_id: 'no id' })).toMatchObject({ credential: 'master', key_name: null });
  });

  it('has no row of what failed, and nothing is done without its row', async () => {
    const central = app.url('central');
    const before = await entries();
    expect((await send('POST', `${central}/teams`, { name: 'web' })).status).toBe(409);
    expect((await send('POST', `${central}/keys`, { name: 'x', team: 'nobody' })).status).toBe(404);
    expect((await send('POST', `${central}/keys`, { name: 'x' }, bearer(readKey))).status).toBe(403);
    expect(await entries()).toEqual(before);
    const names = async () =>
      (await getJson<{ keys: Key[] }>(`${central}/keys?revoked=true`, { headers: bearer(readKey) })).keys;
    const keys = await names();
    await app.database.pool.query(
      "alter table audit_log add constraint full_up check (action <> 'key.create') not valid",
    );
    expect((await send('POST', `${central}/keys`, { name: 'unseen' })).status).toBe(500);
    await app.database.pool.query('alter table audit_log drop constraint full_up');
    expect(await names()).toEqual(keys);
  });

  it('keeps its rows, but for old ones that maintenance removes', async () => {
    const { pool } = app.database;
    const refused = 'the audit log is append-only';
    await expect(pool.query("update audit_log set action = 'nothing'")).rejects.toThrow(refused);
    await expect(pool.query('delete from audit_log')).rejects.toThrow(refused);
    await expect(pool.query('truncate audit_log')).rejects.toThrow(refused);
    await expect(pool.query("set signalbox.audit_pruning = 'on'; delete from audit_log")).rejects.toThrow(refused);

    const young = await entries();
    for (const action of ['days.401', 'days.399', 'days.31']) {
      await appendAudit(pool, { service: 'central', author: operator, action, object: '' });
      await pool.query('alter table audit_log disable trigger audit_log_rows');
      const days = Number(action.split('.')[1]);
      await pool.query('update audit_log set at = now() - make_interval(days => $2) where action = $1', [action, days]);
      await pool.query('alter table audit_log enable trigger audit_log_rows');
    }
    const retention = { records_days: 30, processed_events_days: 7, audit_days: 400, instances_hours: 24 };
    await maintainOnce(pool, retention);
    const old = async () => (await listAudit(pool, { action: 'days' }, 9)).map(({ action }) => action);
    expect(await old()).toEqual(['days.31', 'days.399']);
    // Whatever is asked for, thirty days stay.
    await maintainOnce(pool, { ...retention, audit_days: 1 });
    expect(await old()).toEqual([]);
    expect(await entries()).toEqual(young);
  });
});
