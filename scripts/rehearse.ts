/**
 * `npm run rehearse`: the deployment on this machine - three routers behind HAProxy, two centrals, a registry, an upgrade
 * and one PostgreSQL - under steady load, while each process is restarted once and killed once. With `-- --from REVISION`
 * the upgrade from the code of that revision instead. Ends with 1 where a request failed or something was lost.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { sleep } from '../src/platform/core/clock.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { migrate } from '../src/platform/postgres/migrate.ts';
import { createPool, type Pool } from '../src/platform/postgres/pool.ts';
import { findPostmaster } from '../src/platform/postgres/postmaster.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { defaultProfiles } from '../src/simulator/default-profiles.ts';
import { createSimulator, type Simulator } from '../src/simulator/simulator.ts';
import { type Balancer, startBalancer } from './rehearse/balancer.ts';
import { judge, type Step } from './rehearse/judge.ts';
import { type Load, startLoad } from './rehearse/load.ts';
import type { Member } from './rehearse/members.ts';
import { printReport } from './rehearse/print-report.ts';
import { compareRecords, untilSettled } from './rehearse/records.ts';
import { checkOut, createMembers, freePort, masterKey, thisCode } from './rehearse/topology.ts';

/** Time to see what a step does to requests. */
const restMs = 3000;
/** How long a killed process stays away. */
const deadMs = 2000;

const { values: options } = parseArgs({
  options: { from: { type: 'string' }, keep: { type: 'boolean', default: false } },
});
const log = silentLogger();
const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-rehearsal-'));
const steps: Step[] = [];
const problems: string[] = [];
const postgresDir = path.join(folder, 'postgres');
const postgres: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir: postgresDir, log });
const pool: Pool = createPool({
  connectionString: postgres.connectionString,
  applicationName: 'rehearsal',
  max: 2,
  log,
});
const simulator: Simulator = createSimulator({
  host: '127.0.0.1',
  port: 0,
  seed: 'rehearsal',
  // Answers of a second or two: some are under way whenever something ends.
  timeScale: 4,
  // A provider that fails would hide what is looked for.
  profiles: defaultProfiles.map((profile) => ({ ...profile, error_rate: 0 })),
  log,
});
await simulator.start();
const members = await createMembers(folder, {
  DATABASE_URL: postgres.connectionString,
  OPENAI_API_KEY: 'sk-openai',
  OPENAI_BASE_URL: `${simulator.baseUrl}/v1`,
  ANTHROPIC_API_KEY: 'sk-anthropic',
  ANTHROPIC_BASE_URL: `${simulator.baseUrl}/v1`,
});
let balancer: Balancer | undefined;
let load: Load | undefined;
let isGood = false;
try {
  isGood = await Promise.race([rehearse(), interrupted()]);
} finally {
  await load?.stop();
  await balancer?.stop();
  for (const member of members.toReversed()) await member.end('SIGTERM');
  await simulator.stop();
  await pool.end();
  await postgres.stop();
  if (options.keep || !isGood) console.log(`logs: ${folder}`);
  else await rm(folder, { recursive: true, force: true });
}
process.exitCode = isGood ? 0 : 1;

async function rehearse(): Promise<boolean> {
  const first = options.from === undefined ? thisCode : await checkOut(options.from, path.join(folder, 'from'));
  await Promise.all(members.map((member) => member.start(first)));
  balancer = await startBalancer(
    folder,
    await freePort(),
    ofService('router').map(({ port }) => port),
  );
  load = startLoad(balancer.url, [masterKey, await createKey(ofService('central')[0])]);

  await step('steady', () => sleep(2 * restMs));
  if (options.from === undefined) {
    for (const member of members) await step(`restart ${member.name}`, () => restart(member, thisCode));
    await step('restart PostgreSQL', () => signalPostgres('SIGINT'));
    for (const member of members) await step(`kill ${member.name}`, () => kill(member, thisCode));
    await step('kill PostgreSQL', () => signalPostgres('SIGKILL'));
  } else {
    await step('migrate', async () => void (await migrate(pool, { log })));
    for (const member of members) await step(`old ${member.name} again`, () => restart(member, first));
    for (const member of members) await step(`upgrade ${member.name}`, () => restart(member, thisCode));
    await step('back to the old router-1', () => restart(routerOne(), first));
    await step('and forth', () => restart(routerOne(), thisCode));
  }
  await step('steady again', () => sleep(2 * restMs));
  await load.stop();

  const left = await untilSettled(
    pool,
    members.map(({ name }) => path.join(folder, name)),
  );
  const comparison = await compareRecords(pool, load.sent);
  return printReport({ verdicts: judge(steps, load.sent), problems: [...problems, ...left], comparison });
}

/** So that Ctrl-C leaves no process behind. */
function interrupted(): Promise<boolean> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(false));
  });
}

function ofService(service: Member['service']): Member[] {
  return members.filter((member) => member.service === service);
}

function routerOne(): Member {
  const [router] = ofService('router');
  if (router === undefined) throw new Error('no router');
  return router;
}

/** Runs a step and waits a moment, in which what it does to requests is seen. */
async function step(name: string, run: () => Promise<void | { routerKilledAtMs: number }>): Promise<void> {
  const startedAtMs = Date.now();
  process.stdout.write(`${name} … `);
  const done = await run();
  await sleep(restMs);
  const endedAtMs = Date.now();
  steps.push({ name, startedAtMs, endedAtMs, routerKilledAtMs: done?.routerKilledAtMs ?? null });
  console.log(`${((endedAtMs - startedAtMs) / 1000).toFixed(1)} s`);
}

async function restart(member: Member, code: string): Promise<void> {
  const exit = await member.end('SIGTERM');
  if (exit !== 0) problems.push(`${member.name} ended with ${String(exit)}`);
  await member.start(code);
}

async function kill(member: Member, code: string): Promise<void | { routerKilledAtMs: number }> {
  const atMs = Date.now();
  await member.end('SIGKILL');
  await sleep(deadMs);
  await member.start(code);
  if (member.service === 'router') return { routerKilledAtMs: atMs };
}

/** What holds the server starts it again. */
async function signalPostgres(signal: NodeJS.Signals): Promise<void> {
  const postmaster = await findPostmaster(path.join(postgresDir, 'postgres'));
  if (postmaster === undefined) throw new Error('PostgreSQL does not run');
  process.kill(postmaster.pid, signal);
  await sleep(deadMs);
  for (let isBack = false; !isBack; await sleep(100)) {
    isBack = await pool.query('select 1').then(
      () => true,
      () => false,
    );
  }
}

/** A virtual key with a budget: its requests are those that may have to wait for PostgreSQL. */
async function createKey(central: Member | undefined): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${central?.port ?? 0}/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${masterKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'rehearsal', budget: { limit_usd: 1_000_000, period: 'month' } }),
  });
  if (!response.ok) throw new Error(`no key: ${await response.text()}`);
  return ((await response.json()) as { key: string }).key;
}
