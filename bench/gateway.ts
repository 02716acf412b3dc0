// What Signalbox costs beside a bare pass-through and another gateway, in one run. See docs/benchmarks.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { optionsOrExit, releaseOnce } from './support/main.ts';
import { makeCase } from './support/cases.ts';
import { compare, type Comparison, type Gateways } from './support/compare.ts';
import { type Options, readOptions, usage } from './support/options.ts';
import { startPortkey } from './support/portkey.ts';
import { hasProc } from './support/proc.ts';
import { type Memory, startProcess, stopProcesses } from './support/process.ts';
import { progress } from './support/progress.ts';
import { comparisonFigures, comparisonRows, memoryRow, printTable, soakText } from './support/report.ts';
import { measureStart, type SignalboxGateway, startSignalbox } from './support/signalbox.ts';
import { soak } from './support/soak.ts';
import type { Gateway, Peer } from './support/target.ts';

const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version };

async function startDatabaseAndSignalbox(folder: string, upstreamUrl: string): Promise<SignalboxGateway> {
  progress('starting Signalbox');
  database = startEmbeddedPostgres({ dataDir: join(folder, 'services'), log: silentLogger() });
  return startSignalbox(upstreamUrl, (await database).connectionString);
}

async function startGateways(
  upstreamUrl: string,
  peers: readonly Peer[],
  signalbox: SignalboxGateway | null,
): Promise<Gateways> {
  const gateways = new Map<Peer, Gateway>();
  if (peers.includes('raw')) {
    const raw = await startProcess(new URL('support/raw-proxy.ts', import.meta.url), {
      args: [upstreamUrl],
      probe: true,
    });
    gateways.set('raw', { port: raw.port, headers: {}, process: raw });
  }
  if (signalbox !== null) gateways.set('signalbox', signalbox);
  const portkey = peers.includes('portkey') ? await startPortkey(upstreamUrl) : null;
  if (portkey !== null) gateways.set('portkey', portkey);
  return gateways;
}

async function memoryOf(gateways: Gateways): Promise<Map<Peer, Memory>> {
  const memory = new Map<Peer, Memory>();
  for (const [peer, gateway] of gateways) memory.set(peer, await gateway.process.memory());
  return memory;
}

/** A result, which the line of progress must not end up in front of. */
function showStep(line: string): void {
  progress('');
  console.log(line);
}

async function runSoak(folder: string, upstreamUrl: string, options: Options): Promise<void> {
  const signalbox = await startDatabaseAndSignalbox(folder, upstreamUrl);
  const subject = makeCase(options.cases[0] ?? 'auto', options.bodies[0] ?? 1);
  const load = { requests: options.soak, concurrency: options.concurrency };
  const result = await soak(signalbox, subject, load, options.json ? progress : showStep);
  const eventsDropped = await signalbox.metric('signalbox_events_dropped_total');
  progress('');
  if (options.json) console.log(JSON.stringify({ machine, options, soak: result, eventsDropped }, null, 2));
  else console.log(`${soakText(result)}\nevents dropped: ${eventsDropped}`);
}

async function runComparison(folder: string, upstreamPort: number, options: Options): Promise<void> {
  const upstreamUrl = `http://127.0.0.1:${upstreamPort}`;
  const withSignalbox = options.peers.includes('signalbox');
  progress('starting the whole system, twice');
  const start = withSignalbox && !options.quick ? await measureStart(upstreamUrl, join(folder, 'up')) : null;
  const signalbox = withSignalbox ? await startDatabaseAndSignalbox(folder, upstreamUrl) : null;
  const gateways = await startGateways(upstreamUrl, options.peers, signalbox);

  const before = await memoryOf(gateways);
  const comparisons: Comparison[] = [];
  for (const name of options.cases) {
    for (const bodyKilobytes of options.bodies) {
      const upstream = { port: upstreamPort, headers: {} };
      comparisons.push(await compare(makeCase(name, bodyKilobytes), upstream, gateways, signalbox, options));
    }
  }
  const after = await memoryOf(gateways);
  const eventsDropped = (await signalbox?.metric('signalbox_events_dropped_total')) ?? 0;
  const spentUsd = (await signalbox?.spentUsd()) ?? null;
  progress('');

  if (options.json) {
    const figures = comparisons.map(comparisonFigures);
    const memory = { before: Object.fromEntries(before), after: Object.fromEntries(after) };
    console.log(JSON.stringify({ machine, options, figures, memory, start, eventsDropped, spentUsd }, null, 2));
    return;
  }
  const rows = comparisons.flatMap(comparisonRows);
  const memory = [...before].flatMap(([peer, first]) => {
    const last = after.get(peer);
    return last === undefined ? [] : [memoryRow(peer, first, last)];
  });
  printTable(rows);
  console.log();
  printTable(memory);
  console.log();
  if (start !== null) {
    console.log(`first start ${start.firstStartSeconds.toFixed(1)} s, later start ${start.laterStartSeconds.toFixed(1)} s
memory at rest (PSS): ${start.nodeMiB.toFixed(0)} MiB, and ${start.postgresMiB.toFixed(0)} MiB of PostgreSQL`);
  }
  console.log(`events dropped: ${eventsDropped}; spent of the key's budget: ${spentUsd?.toFixed(2) ?? 'no key'} USD
${machine.processor}, ${machine.cores} cores, Node ${machine.node}`);
}

const options = optionsOrExit(readOptions, usage);
if (!hasProc()) {
  console.log('skipped: processor time and memory of other processes are read from /proc, which only Linux has');
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
let database: Promise<EmbeddedPostgres> | undefined;

async function stopEverything(): Promise<void> {
  await stopProcesses();
  // Waited for even where it was only starting: it would write into the folder again.
  await (await database)?.stop();
  rmSync(folder, { recursive: true, force: true });
}
const { release, wasInterrupted } = releaseOnce(stopEverything);

try {
  const upstream = await startProcess(new URL('support/constant-upstream.ts', import.meta.url));
  if (options.soak > 0) await runSoak(folder, `http://127.0.0.1:${upstream.port}`, options);
  else await runComparison(folder, upstream.port, options);
} catch (error) {
  // What was stopped on purpose fails everywhere; only the exit code tells of it.
  if (!wasInterrupted()) throw error;
} finally {
  await release();
}
