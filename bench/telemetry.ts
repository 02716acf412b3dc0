// What OpenTelemetry costs the router for each request: nothing sent, metrics alone, traces too. See docs/observability.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { type Case, makeCase } from './support/cases.ts';
import { saturate } from './support/load.ts';
import { optionsOrExit, releaseOnce } from './support/main.ts';
import { hasProc } from './support/proc.ts';
import { startProcess, stopProcesses } from './support/process.ts';
import { progress } from './support/progress.ts';
import { printTable } from './support/report.ts';
import { type SignalboxGateway, startRouter, startServices } from './support/signalbox.ts';
import { median } from './support/statistics.ts';

const usage = `npm run bench:telemetry -- [options]

  --requests 2000    of each round
  --rounds 7         of each router in turn`;

function readOptions() {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    options: { requests: text('2000'), rounds: text('7'), help: { type: 'boolean', default: false } },
  });
  return values.help ? null : { requests: Number(values.requests), rounds: Number(values.rounds) };
}

/** Spans that a collector got; those of both kinds that were dropped are none. */
const droppedMetric = 'signalbox_otel_spans_dropped_total';

async function measure(subject: Case, routers: ReadonlyMap<string, SignalboxGateway>, options: Options): Promise<void> {
  const load = { body: subject.body, requests: options.requests, concurrency: 16 };
  const cpu = new Map([...routers.keys()].map((name) => [name, [] as number[]]));
  // The first round warms up.
  for (let round = 0; round <= options.rounds; round += 1) {
    const inTurn = round % 2 === 0 ? [...routers] : [...routers].toReversed();
    for (const [name, router] of inTurn) {
      progress(`${subject.name}: round ${round} of ${options.rounds}, ${name}`);
      const before = await router.process.cpuMicroseconds();
      await saturate(router, load);
      if (round > 0) cpu.get(name)?.push(((await router.process.cpuMicroseconds()) - before) / options.requests);
    }
  }
  progress('');
  const [off = []] = cpu.values();
  printTable(
    await Promise.all(
      [...cpu].map(async ([name, rounds]) => {
        const ratios = rounds.map((cost, round) => cost / (off[round] ?? NaN));
        const range = [Math.min(...ratios), Math.max(...ratios)].map((each) => each.toFixed(2)).join('–');
        return {
          case: subject.name,
          sent: name,
          'CPU µs/request': median(rounds).toFixed(0),
          '× nothing (range)': `${median(ratios).toFixed(2)} (${range})`,
          'spans dropped': String((await routers.get(name)?.metric(droppedMetric)) ?? 0),
        };
      }),
    ),
  );
}

type Options = NonNullable<ReturnType<typeof readOptions>>;
const options = optionsOrExit(readOptions, usage);
if (!hasProc()) {
  console.log('skipped: processor time of other processes is read from /proc, which only Linux has');
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
const database = startEmbeddedPostgres({ dataDir: folder, log: silentLogger() });
const { release } = releaseOnce(async () => {
  await stopProcesses();
  await (await database).stop();
  rmSync(folder, { recursive: true, force: true });
});

try {
  const { connectionString } = await database;
  const upstream = await startProcess(new URL('support/constant-upstream.ts', import.meta.url));
  const collector = await startProcess(new URL('support/taking-collector.ts', import.meta.url));
  const upstreamUrl = `http://127.0.0.1:${upstream.port}`;
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}` };
  const many = { OTEL_BSP_MAX_QUEUE_SIZE: '100000', OTEL_BSP_SCHEDULE_DELAY: '1000' };
  const environments = new Map<string, Record<string, string>>([
    ['nothing', {}],
    ['metrics', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }],
    [
      'metrics, 10% of traces',
      { ...endpoint, ...many, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
    ],
    ['metrics, all traces', { ...endpoint, ...many }],
  ]);
  const services = await startServices(upstreamUrl, connectionString);
  const routers = new Map<string, SignalboxGateway>();
  for (const [name, env] of environments) routers.set(name, await startRouter(services, env));
  for (const name of ['auto', 'auto-stream'] as const) await measure(makeCase(name, 1), routers, options);
} finally {
  await release();
}
