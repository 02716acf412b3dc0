/** How long the views of the dashboard take to read at millions of decisions. See docs/benchmarks.md. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readInstallation } from '../src/central/dashboard/installation.ts';
import { readLearning } from '../src/central/dashboard/learning.ts';
import { readModelHistory } from '../src/central/dashboard/model-history.ts';
import { readModels } from '../src/central/dashboard/models.ts';
import { readOverview } from '../src/central/dashboard/overview.ts';
import { tellSavings } from '../src/central/savings/tell-savings.ts';
import { historyWindowSchema, windowSchema } from '../src/contracts/dashboard.ts';
import { startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { migrate } from '../src/platform/postgres/migrate.ts';
import { createPool, type Executor, type Pool } from '../src/platform/postgres/pool.ts';
import { listComplexityScores } from '../src/platform/store/complexity-scores.ts';
import { listInstances } from '../src/platform/store/instances.ts';
import { readPulse } from '../src/platform/store/pulse.ts';
import { readRaceStatistics } from '../src/platform/store/race-statistics.ts';
import { listRaces } from '../src/platform/store/races.ts';
import { listRecords, type RecordFilter } from '../src/platform/store/record-pages.ts';
import { listNewestScoreUpdates } from '../src/platform/store/score-updates.ts';
import { listKeys } from '../src/platform/store/virtual-keys.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { fill } from './dashboard/fill.ts';
import { lookOn, type Seen } from './dashboard/look-on.ts';
import { optionsOrExit, releaseOnce } from './support/main.ts';
import { notice, progress } from './support/progress.ts';
import { median } from './support/statistics.ts';

const usage = `npm run bench:dashboard -- [options]

  --records 10000000   decisions, over thirty days
  --rounds 5           of each view, after one that is not counted; the median is told
  --statements         also tell every statement by itself
  --json               everything that was measured, instead of text`;

interface Options {
  records: number;
  rounds: number;
  statements: boolean;
  json: boolean;
}

function readOptions(): Options | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      records: { ...text, default: '10000000' },
      rounds: { ...text, default: '5' },
      statements: flag,
      json: flag,
      help: flag,
    },
  });
  if (values.help) return null;
  for (const name of ['records', 'rounds'] as const) {
    if (!/^[1-9]\d{0,8}$/.test(values[name])) throw new Error(`--${name} must be a whole number from 1`);
  }
  return { ...values, records: Number(values.records), rounds: Number(values.rounds) };
}

type View = readonly [name: string, read: (db: Executor) => Promise<unknown>];

/** Each with the very functions that central answers with. */
async function viewsOf(pool: Pool): Promise<View[]> {
  const nowMs = Date.now();
  const of = { provider: 'provider-1', model: 'model-1' };
  const newest = await listRecords(pool, {}, { limit: 1 });
  const decisionId = newest?.records[0]?.decision_id ?? '';
  const weekAgo = new Date(nowMs - 7 * 86_400_000).toISOString();
  const decisions = (name: string, filter: RecordFilter, before?: string): View => [
    `decisions, ${name}`,
    (db) => listRecords(db, filter, { before, limit: 50 }),
  ];
  const deep = await listRecords(pool, { until: new Date(nowMs - 20 * 86_400_000).toISOString() }, { limit: 50 });
  return [
    ...windowSchema.options.map((window): View => [`overview, ${window}`, (db) => readOverview(db, window, nowMs)]),
    ['live', readPulse],
    ...historyWindowSchema.options.map((window): View => [`models, ${window}`, (db) => readModels(db, window, nowMs)]),
    ...historyWindowSchema.options.map((window): View => [
      `history of a model, ${window}`,
      (db) => readModelHistory(db, of, window, nowMs),
    ]),
    decisions('newest', {}),
    decisions('twenty days back', {}, deep?.next ?? undefined),
    decisions('of one model', { model: 'model-19' }),
    decisions('errors', { errors: true }),
    decisions('errors of one instance', { errors: true, instance_id: 'router-9' }),
    decisions('nothing matches', { min_cost_usd: 1000 }),
    decisions('nothing matches, a week ago', { requested_model: 'none', until: weekAgo }),
    ['one decision', (db) => listRecords(db, { decision_id: decisionId }, { limit: 1001, explain: true })],
    ['learning', readLearning],
    ['scores', (db) => listComplexityScores(db)],
    ['scores, history', (db) => listNewestScoreUpdates(db, {}, 50)],
    ['scores, history of a cell', (db) => listNewestScoreUpdates(db, { model: 'model-3', complexity: 'simple' }, 50)],
    ['races', (db) => listRaces(db, { before: undefined, limit: 20 })],
    ['races, statistics of a day', (db) => readRaceStatistics(db, 24, { models: 100, pairs: 200 })],
    ['instances', listInstances],
    ['keys', (db) => listKeys(db, { withRevoked: false }, 1000)],
    [
      'savings of a day',
      (db) => tellSavings(db, { sinceMs: nowMs - 86_400_000, nowMs, baseline: null, limit: 10_000, floor: null }),
    ],
    ['installation', (db) => readInstallation(db, null)],
  ];
}

interface Measured {
  name: string;
  /** Of the whole view, as central reads it: statements, network, and what is made of the rows. */
  viewMs: number;
  /** The slowest statement in the median round. */
  slowest: Seen;
  statements: Seen[];
  rowsRead: number;
  pages: number;
}

async function measure(pool: Pool, [name, read]: View, rounds: number): Promise<Measured> {
  const times: number[] = [];
  const explained: Seen[][] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const { db, seen } = lookOn(pool);
    await read(db);
    const startedAtMs = performance.now();
    await read(pool);
    if (round === 0) continue;
    times.push(performance.now() - startedAtMs);
    explained.push(seen);
  }
  const statements = (explained[0] ?? []).map((first, index) => ({
    ...first,
    ms: median(explained.map((seen) => seen[index]?.ms ?? 0)),
  }));
  const slowest = statements.toSorted((a, b) => b.ms - a.ms)[0];
  if (slowest === undefined) throw new Error(`${name} read nothing`);
  return {
    name,
    viewMs: median(times),
    slowest,
    statements,
    rowsRead: statements.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
    pages: statements.reduce((sum, { pages }) => sum + pages, 0),
  };
}

const goalMs = 100;

function report(views: readonly Measured[], withStatements: boolean): void {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  console.log(row(['view', 'statements', 'slowest, ms', 'view, ms', 'rows read', 'pages']));
  console.log(row(['---', '---:', '---:', '---:', '---:', '---:']));
  for (const { name, statements, slowest, viewMs, rowsRead, pages } of views) {
    const numbers = [statements.length, slowest.ms.toFixed(1), viewMs.toFixed(1), rowsRead, pages];
    console.log(row([name, ...numbers.map(String)]));
    if (!withStatements) continue;
    for (const { text, ms, rowsRead: rows } of statements)
      console.log(`    ${ms.toFixed(1)} ms, ${rows} rows: ${text.slice(0, 160)}`);
  }
  const slow = views.filter(({ slowest }) => slowest.ms >= goalMs);
  console.log(`\n${slow.length === 0 ? 'holds' : 'FAILS'}  every statement under ${goalMs} ms`);
  for (const { name, slowest } of slow)
    console.log(`  ${name}: ${slowest.ms.toFixed(1)} ms: ${slowest.text.slice(0, 300)}`);
}

const options = optionsOrExit(readOptions, usage);
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
const log = silentLogger();
const starting = startEmbeddedPostgres({ dataDir: folder, log });
const { release } = releaseOnce(async () => {
  await (await starting).stop();
  rmSync(folder, { recursive: true, force: true });
});

try {
  const { connectionString } = await starting;
  const pool = createPool({ connectionString, applicationName: 'bench', max: 4, log, statementTimeoutMs: 3_600_000 });
  await migrate(pool, { log });
  const startedAtMs = performance.now();
  await fill(pool, options.records, progress);
  const { rows } = await pool.query<{ records: string; size: string }>(
    `select count(*) as records, pg_size_pretty(pg_database_size(current_database())) as size from routing_records`,
  );
  notice(
    `${rows[0]?.records} records, ${rows[0]?.size}, made in ${Math.round((performance.now() - startedAtMs) / 1000)} s`,
  );
  const views: Measured[] = [];
  for (const view of await viewsOf(pool)) {
    progress(view[0]);
    views.push(await measure(pool, view, options.rounds));
  }
  progress('');
  await pool.end();
  if (options.json) console.log(JSON.stringify({ options, views }, null, 2));
  else report(views, options.statements);
  console.error(`${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, Node ${process.version}`);
} finally {
  await release();
}
