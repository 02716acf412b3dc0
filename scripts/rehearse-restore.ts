/**
 * `npm run rehearse:restore -- --server postgres://USER:PASSWORD@HOST/postgres`: backs a database in use up with `pg_dump`,
 * restores it into an empty one, and starts on that. The two databases are made on that server and dropped again; `pg_dump`
 * and `pg_restore` of its version or a later one must be on the PATH.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Client } from 'pg';
import { z } from 'zod';
import { sleep } from '../src/platform/core/clock.ts';
import { type Child, runScript } from '../test/support/child-process.ts';

const run = promisify(execFile);
const trafficMs = 20_000;
const patienceMs = 30_000;

const { values } = parseArgs({ options: { server: { type: 'string' } } });
if (values.server === undefined)
  throw new Error('--server: the address of a PostgreSQL on which databases may be made');
const server = values.server;
const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-restore-'));
const suffix = randomBytes(4).toString('hex');
const names = { used: `signalbox_used_${suffix}`, restored: `signalbox_restored_${suffix}` };

interface Service {
  router: string;
  central: string;
  stop(): Promise<void>;
}

try {
  for (const name of Object.values(names)) await query('postgres', `create database ${name}`);
  const { key, before } = await useAndDump();
  await run('pg_restore', ['--no-owner', '--exit-on-error', '--dbname', urlOf(names.restored), dumpFile()]);
  await checkRestored(key, before);
} finally {
  for (const name of Object.values(names)) await query('postgres', `drop database if exists ${name} with (force)`);
  await rm(folder, { recursive: true, force: true });
}

/** Demo traffic, a virtual key, and a dump in the middle of it. Answers the decisions that were recorded before it. */
async function useAndDump(): Promise<{ key: string; before: string[] }> {
  const service = await start(names.used);
  try {
    const created = await fetch(`${service.central}/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'rehearsal', budget: { limit_usd: 10, period: 'day' } }),
    });
    const { key } = z.object({ key: z.string() }).parse(await created.json());
    await sleep(trafficMs);
    const before = await decisionsOf(names.used);
    assert(before.length > 0, 'no decision was recorded');
    // Of what waits in the queue, as of everything, the dump has the state of one moment.
    const startedAtMs = performance.now();
    await run('pg_dump', ['--format=custom', '--no-owner', '--file', dumpFile(), urlOf(names.used)]);
    const { size } = await stat(dumpFile());
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    console.log(`dumped ${before.length} decisions and more in ${seconds} s, ${(size / 2 ** 20).toFixed(1)} MiB`);
    return { key, before };
  } finally {
    await service.stop();
  }
}

async function checkRestored(key: string, before: readonly string[]): Promise<void> {
  const restored = new Set(await decisionsOf(names.restored));
  assert.deepEqual(
    before.filter((id) => !restored.has(id)),
    [],
    'decisions are missing',
  );
  const service = await start(names.restored);
  try {
    const answer = await fetch(`${service.router}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'What is the capital of France?' }] }),
    });
    assert.equal(answer.status, 200, await answer.text());
    const id = answer.headers.get('x-signalbox-decision-id') ?? '';
    const deadlineMs = performance.now() + patienceMs;
    while (!(await decisionsOf(names.restored)).includes(id)) {
      assert(performance.now() < deadlineMs, 'a decision on the restored database was not recorded');
      await sleep(100);
    }
  } finally {
    await service.stop();
  }
  const [twice] = await query(
    names.restored,
    'select count(*) - count(distinct (decision_id, attempt)) as n from routing_records',
  );
  assert.deepEqual(twice, { n: '0' });
  console.log(`restored: ${restored.size} decisions, services start, the key is known, new decisions are recorded`);
}

async function start(database: string): Promise<Service> {
  const child: Child = runScript('src/cli/main.ts', ['up', '--demo'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      DATABASE_URL: urlOf(database),
      LOG_LEVEL: 'warn',
      REGISTRY_PORT: '0',
      ROUTER_PORT: '0',
      UPGRADE_PORT: '0',
      CENTRAL_PORT: '0',
    },
  });
  const { ports } = await child.waitForLine<{ ports: { router: number; central: number } }>(
    (line) => line['ready'] === true,
  );
  return {
    router: `http://127.0.0.1:${ports.router}`,
    central: `http://127.0.0.1:${ports.central}`,
    async stop() {
      child.kill('SIGTERM');
      assert.equal(await child.waitForExit(), 0, child.stderr());
    },
  };
}

async function decisionsOf(database: string): Promise<string[]> {
  const rows = await query(database, 'select distinct decision_id from routing_records');
  return z
    .array(z.object({ decision_id: z.string() }))
    .parse(rows)
    .map((row) => row.decision_id);
}

async function query(database: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: urlOf(database) });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(statement);
    return rows;
  } finally {
    await client.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

function dumpFile(): string {
  return path.join(folder, 'signalbox.dump');
}
