import { afterAll, beforeAll, expect, it } from 'vitest';
import { alwaysTheBest, makeTestFolder, type SignalboxProcess, startSignalbox } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { hangs, type RacingUpstream, says, startRacingUpstream } from '../e2e/racing-upstream.ts';
import { getJson, postJson } from '../e2e/requests.ts';

// Races are recorded whole, whoever is killed while they run: each has all its lanes, each lane an end.

const races = 40;
const patience = { timeout: 60_000, interval: 100 };

let raw: RacingUpstream;
let database: TestDatabase;
let folder: Awaited<ReturnType<typeof makeTestFolder>>;
const processes: SignalboxProcess[] = [];

beforeAll(async () => {
  raw = await startRacingUpstream(['alpha-1', 'beta-1', 'gamma-1']);
  database = await createTestDatabase();
  folder = await makeTestFolder();
});
afterAll(async () => {
  for (const each of processes) each.kill('SIGKILL');
  await Promise.all(processes.map((each) => each.waitForExit()));
  await raw.upstream.stop();
  await database.drop();
  await folder.remove();
});

async function start(service: 'registry' | 'router' | 'central', configPath: string): Promise<SignalboxProcess> {
  const started = startSignalbox(['serve', service], {
    DATABASE_URL: database.connectionString,
    SIGNALBOX_CONFIG: configPath,
    SIGNALBOX_DATA_DIR: folder.folder,
  });
  processes.push(started);
  await started.url(service);
  return started;
}

interface Lane {
  lane: number;
  status: string;
  cost_usd: number | null;
  output_tokens: number | null;
}

it('no race is left without an end, and no lane without what it used', async () => {
  const configPath = await folder.writeConfig({
    providers: [raw.upstream.provider],
    routing: alwaysTheBest,
    consumer: { unknown_after_s: 5 },
  });
  await start('registry', configPath);
  const [router, firstCentral] = await Promise.all([start('router', configPath), start('central', configPath)]);
  // One answers, one is silent, one answers: `best` waits for all three.
  raw.plays = { 'alpha-1': says('41'), 'beta-1': hangs, 'gamma-1': says('42') };
  const url = `${await router.url('router')}/race`;
  const body = { prompt: 'What is 6 times 7?', models: ['alpha-1', 'beta-1', 'gamma-1'], strategy: 'best' };
  const running = Array.from({ length: races }, () => postJson(url, body).catch(() => null));
  await expect.poll(() => raw.upstream.requests.length, patience).toBe(3 * races);
  const countOf = async (condition: string): Promise<number> => {
    const { rows } = await database.pool.query<{ count: number }>(
      `select count(*)::int as count from race_mode_results where ${condition}`,
    );
    return rows[0]?.count ?? 0;
  };
  // All answers that came are on record; then the router goes, and central with it.
  await expect.poll(() => countOf("output_tokens is not null and status = 'running'"), patience).toBe(2 * races);
  firstCentral.kill('SIGKILL');
  router.kill('SIGKILL');
  expect(await Promise.all(running)).toEqual(Array.from({ length: races }, () => null));

  const central = await start('central', configPath);
  await expect.poll(() => countOf("status = 'running'"), patience).toBe(0);
  const { races: recorded } = await getJson<{ races: Array<{ lane_count: number; outcome: null; lanes: Lane[] }> }>(
    `${await central.url('central')}/races?limit=200`,
  );
  expect(recorded).toHaveLength(races);
  for (const { lanes, lane_count, outcome } of recorded) {
    expect(outcome).toBeNull();
    expect(lane_count).toBe(3);
    expect(lanes.map(({ lane, status, output_tokens }) => [lane, status, output_tokens])).toEqual([
      [0, 'unknown', 5],
      [1, 'unknown', null],
      [2, 'unknown', 5],
    ]);
  }
}, 180_000);
