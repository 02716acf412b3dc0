// What a request costs the router, beside a raw pass-through in the same run. See docs/benchmarks.md.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { type BenchProcess, cpuMicroseconds, memoryMiB, startProcess } from './support/process.ts';

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
  console.log('npm run bench:request -- [--requests 4000] [--rounds 5] [--concurrency 32] [--json]');
  process.exit(0);
}
if (!existsSync('/proc/self/stat')) {
  console.log('skipped: processor time of other processes is read from /proc, which only Linux has');
  process.exit(0);
}
const requestsPerRound = Number(values.requests);
const rounds = Number(values.rounds);
const concurrency = Number(values.concurrency);

const signalbox = 'src/cli/main.ts';
const anyPort = { REGISTRY_PORT: '0', ROUTER_PORT: '0', UPGRADE_PORT: '0', CENTRAL_PORT: '0' };
const prompt = 'What is the capital of France? '.repeat(28);
const cases = [
  { name: 'pinned', model: 'gpt-6-luna', stream: false },
  { name: 'auto', model: 'auto', stream: false },
  { name: 'pinned, stream', model: 'gpt-6-luna', stream: true },
  { name: 'auto, stream', model: 'auto', stream: true },
] as const;

interface Sample {
  cpuMicroseconds: number;
  perSecond: number;
}

/** Sends requests at a fixed concurrency and charges the process for its processor time. */
async function measure(port: number, pid: number, body: string, count: number): Promise<Sample> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: concurrency, pipelining: 1 });
  const headers = { 'content-type': 'application/json' };
  let left = count;
  async function worker(): Promise<void> {
    while (left > 0) {
      left -= 1;
      const answer = await pool.request({ path: '/v1/chat/completions', method: 'POST', headers, body });
      const text = await answer.body.text();
      if (answer.statusCode !== 200 || !text.includes('Paris'))
        throw new Error(`unexpected answer: ${text.slice(0, 200)}`);
    }
  }
  const cpuBefore = cpuMicroseconds(pid);
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = cpuMicroseconds(pid) - cpuBefore;
  await pool.close();
  return { cpuMicroseconds: cpu / count, perSecond: count / seconds };
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;
const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

async function measureRequests(raw: BenchProcess, router: BenchProcess): Promise<Array<Record<string, string>>> {
  const rows: Array<Record<string, string>> = [];
  for (const { name, model, stream } of cases) {
    const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: prompt }] });
    const targets = {
      raw: [raw.ready.port ?? 0, raw.pid],
      router: [router.ready.ports?.['router'] ?? 0, router.pid],
    } as const;
    for (const [port, pid] of Object.values(targets)) await measure(port, pid, body, Math.ceil(requestsPerRound / 2));
    const samples: Record<keyof typeof targets, Sample[]> = { raw: [], router: [] };
    for (let round = 0; round < rounds; round += 1) {
      progress(`${name}: round ${round + 1} of ${rounds}`);
      // The order changes, so that a drifting machine favours neither.
      const order = round % 2 === 0 ? (['raw', 'router'] as const) : (['router', 'raw'] as const);
      for (const target of order) samples[target].push(await measure(...targets[target], body, requestsPerRound));
    }
    const cpu = (target: keyof typeof targets): number[] => samples[target].map((sample) => sample.cpuMicroseconds);
    const ratios = cpu('router').map((cost, index) => cost / (cpu('raw')[index] ?? NaN));
    rows.push({
      case: name,
      'raw µs': median(cpu('raw')).toFixed(0),
      'router µs': median(cpu('router')).toFixed(0),
      ratio: `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
      'raw req/s': median(samples.raw.map((sample) => sample.perSecond)).toFixed(0),
      'router req/s': median(samples.router.map((sample) => sample.perSecond)).toFixed(0),
    });
  }
  progress('');
  return rows;
}

/** Start-up and rest of the whole system, with its own PostgreSQL. */
async function measureUp(dataDir: string): Promise<Record<string, string>> {
  const up = [signalbox, 'up', '--data-dir', dataDir];
  const first = await startProcess(up, anyPort);
  await first.stop();
  const second = await startProcess(up, anyPort);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const children = readFileSync(`/proc/${second.pid}/task/${second.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number);
  const servers = children.flatMap((pid) => [
    pid,
    ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  ]);
  const postgres = servers.reduce((sum, pid) => sum + memoryMiB(pid), 0);
  const rest = { node: memoryMiB(second.pid), postgres };
  await second.stop();
  return {
    'first start': `${(first.startedInMs / 1000).toFixed(1)} s`,
    'later start': `${(second.startedInMs / 1000).toFixed(1)} s`,
    'memory at rest': `${rest.node.toFixed(0)} MiB and ${rest.postgres.toFixed(0)} MiB of PostgreSQL (PSS)`,
  };
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
const releasers: Array<() => Promise<void>> = [];
async function start(args: readonly string[], env: Record<string, string> = {}): Promise<BenchProcess> {
  const started = await startProcess(args, env);
  releasers.push(started.stop);
  return started;
}
async function release(): Promise<void> {
  for (let next = releasers.pop(); next !== undefined; next = releasers.pop()) await next();
  rmSync(folder, { recursive: true, force: true });
}
process.once('SIGINT', () => void release().then(() => process.exit(130)));

try {
  progress('starting');
  const system = await measureUp(join(folder, 'up'));
  const database = await startEmbeddedPostgres({ dataDir: join(folder, 'services'), log: silentLogger() });
  releasers.push(() => database.stop());
  const upstream = await start(['bench/support/constant-upstream.ts']);
  const upstreamUrl = `http://127.0.0.1:${upstream.ready.port ?? 0}`;
  const env = {
    ...anyPort,
    DATABASE_URL: database.connectionString,
    OPENAI_BASE_URL: `${upstreamUrl}/v1`,
    OPENAI_API_KEY: 'bench',
  };
  await start([signalbox, 'serve', 'registry'], env);
  await start([signalbox, 'serve', 'central'], env);
  const router = await start([signalbox, 'serve', 'router'], env);
  const raw = await start(['bench/support/raw-proxy.ts', upstreamUrl]);
  const rows = await measureRequests(raw, router);
  if (values.json) {
    console.log(JSON.stringify({ system, rows }, null, 2));
  } else {
    const [first = {}] = rows;
    console.log(`| ${Object.keys(first).join(' | ')} |`);
    console.log(`|${' --- |'.repeat(Object.keys(first).length)}`);
    for (const row of rows) console.log(`| ${Object.values(row).join(' | ')} |`);
    console.log();
    for (const [name, value] of Object.entries(system)) console.log(`${name}: ${value}`);
  }
} finally {
  await release();
}
