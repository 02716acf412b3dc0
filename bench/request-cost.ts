// What a request costs the router, beside a raw pass-through in the same run. See docs/benchmarks.md.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { measure, type Sample, type Target } from './support/load.ts';
import { type BenchProcess, descendants, memoryMiB, startProcess, stopProcesses } from './support/process.ts';
import { printTable, type Row, type TargetName, toRow } from './support/report.ts';

const usage = 'npm run bench:request -- [--requests 4000] [--rounds 5] [--concurrency 32] [--json]';
const signalbox = new URL('../src/cli/main.ts', import.meta.url);
const anyPort = { REGISTRY_PORT: '0', ROUTER_PORT: '0', UPGRADE_PORT: '0', CENTRAL_PORT: '0' };
const restMs = 5000;
const prompt = 'What is the capital of France? '.repeat(28);
const cases = [
  { name: 'pinned', model: 'gpt-6-luna', stream: false },
  { name: 'auto', model: 'auto', stream: false },
  { name: 'pinned, stream', model: 'gpt-6-luna', stream: true },
  { name: 'auto, stream', model: 'auto', stream: true },
];

type Targets = Record<TargetName, Target>;

interface Options {
  requests: number;
  rounds: number;
  concurrency: number;
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

/** Start-up of the whole system on an empty folder and on a filled one, and its memory at rest; it is left running. */
async function startUp(dataDir: string, env: Record<string, string>) {
  progress('first start');
  const first = await startProcess(signalbox, ['up', '--data-dir', dataDir], env);
  await first.stop();
  progress('later start');
  const up = await startProcess(signalbox, ['up', '--data-dir', dataDir], env);
  await pause(restMs);
  const system = {
    firstStartSeconds: first.startedInMs / 1000,
    laterStartSeconds: up.startedInMs / 1000,
    nodeMiB: memoryMiB([up.pid]),
    postgresMiB: memoryMiB(descendants(up.pid)),
  };
  return { up, system };
}

/** Rounds of all targets in turn, in an order that turns round, so that a drifting machine favours none. */
async function measureCase(name: string, body: string, targets: Targets, options: Options) {
  const names = Object.keys(targets) as TargetName[];
  const samples: Record<TargetName, Sample[]> = { raw: [], router: [], up: [] };
  const load = { body, requests: options.requests, concurrency: options.concurrency };
  for (const target of names) {
    progress(`${name}: warming up ${target}`);
    await measure(targets[target], load);
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    names.reverse();
    for (const target of names) {
      progress(`${name}: round ${round} of ${options.rounds}, ${target}`);
      samples[target].push(await measure(targets[target], load));
    }
  }
  return samples;
}

/** Events of the request path that were dropped, by the metrics of the process; a cost without them would be too low. */
async function droppedEvents(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const counts = [...text.matchAll(/^signalbox_events_dropped_total(?:\{.*\})? (\d+)/gm)].map(([, count]) => count);
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

async function run(folder: string, options: Options, asJson: boolean): Promise<void> {
  const upstream = await startProcess(new URL('support/constant-upstream.ts', import.meta.url));
  const upstreamUrl = `http://127.0.0.1:${portOf(upstream)}`;
  const env = { ...anyPort, OPENAI_BASE_URL: `${upstreamUrl}/v1`, OPENAI_API_KEY: 'bench' };
  const { up, system } = await startUp(join(folder, 'up'), env);

  progress('starting the services');
  database = startEmbeddedPostgres({ dataDir: join(folder, 'services'), log: silentLogger() });
  const shared = { ...env, DATABASE_URL: (await database).connectionString };
  await startProcess(signalbox, ['serve', 'registry'], shared);
  await startProcess(signalbox, ['serve', 'central'], shared);
  const router = await startProcess(signalbox, ['serve', 'router'], shared);
  const raw = await startProcess(new URL('support/raw-proxy.ts', import.meta.url), [upstreamUrl]);

  const targets: Targets = {
    raw: { pid: raw.pid, port: portOf(raw) },
    router: { pid: router.pid, port: portOf(router) },
    up: { pid: up.pid, port: portOf(up) },
  };
  const rows: Row[] = [];
  for (const { name, model, stream } of cases) {
    const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: prompt }] });
    rows.push(toRow(name, await measureCase(name, body, targets, options)));
  }
  const eventsDropped = (await droppedEvents(targets.router.port)) + (await droppedEvents(targets.up.port));
  const machine = {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
  };
  progress('');
  if (asJson) {
    console.log(JSON.stringify({ machine, options, system, rows, eventsDropped }, null, 2));
    return;
  }
  printTable(rows);
  console.log(`
first start ${system.firstStartSeconds.toFixed(1)} s, later start ${system.laterStartSeconds.toFixed(1)} s
memory at rest (PSS): ${system.nodeMiB.toFixed(0)} MiB, and ${system.postgresMiB.toFixed(0)} MiB of PostgreSQL
events dropped: ${eventsDropped}
${machine.processor}, ${machine.cores} cores, Node ${machine.node}`);
}

function portOf({ ready }: BenchProcess): number {
  return ready.port ?? ready.ports?.['router'] ?? 0;
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  console.error(`--${name} must be a whole number from 1; usage: ${usage}`);
  process.exit(1);
}

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '5' },
    concurrency: { type: 'string', default: '32' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const options: Options = {
  requests: wholeNumber('requests', values.requests),
  rounds: wholeNumber('rounds', values.rounds),
  concurrency: wholeNumber('concurrency', values.concurrency),
};
if (!existsSync('/proc/self/smaps_rollup')) {
  console.log('skipped: processor time and memory of other processes are read from /proc, which only Linux has');
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
let database: Promise<EmbeddedPostgres> | undefined;
let interrupted = false;
let released: Promise<void> | undefined;

async function stopEverything(): Promise<void> {
  await stopProcesses();
  // Waited for even where it was only starting: it would write into the folder again.
  await (await database)?.stop();
  rmSync(folder, { recursive: true, force: true });
}
function release(): Promise<void> {
  released ??= stopEverything();
  return released;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true;
    void release().finally(() => process.exit(130));
  });
}
try {
  await run(folder, options, values.json);
} catch (error) {
  // What was stopped on purpose fails everywhere; only the exit code tells of it.
  if (!interrupted) throw error;
} finally {
  await release();
}
