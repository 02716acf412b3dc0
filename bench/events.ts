/** What the queue costs and how soon events and scores arrive, in one run. See docs/benchmarks.md. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { migrate } from '../src/platform/postgres/migrate.ts';
import { createPool, type Pool } from '../src/platform/postgres/pool.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { measureBroadcast } from './events/broadcast.ts';
import { measureLag } from './events/lag.ts';
import { measureThroughput, type Throughput } from './events/throughput.ts';
import { optionsOrExit, releaseOnce } from './support/main.ts';
import { startProcess, stopProcesses } from './support/process.ts';
import { progress } from './support/progress.ts';
import { median, quantile } from './support/statistics.ts';

const usage = `npm run bench:events -- [options]

  --messages 20000   of each round of throughput
  --rounds 5         of each kind in turn, after one that is not counted
  --batch 200        messages of one transaction
  --rate 1000        events a second while the lag is measured
  --seconds 20       of that
  --updates 200      scores that are broadcast
  --instances 16     that hear of them
  --quick            a look within a minute: few messages, two rounds
  --json             everything that was measured, instead of text`;

interface Options {
  messages: number;
  rounds: number;
  batch: number;
  rate: number;
  seconds: number;
  updates: number;
  instances: number;
  json: boolean;
}

/** Decisions between a choice and its outcome: in other batches, as under load; in the next ones; in the same one. */
const distances = [500, 50, 0];
const flushMs = 100;

function readOptions(): Options | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      messages: text,
      rounds: text,
      batch: { ...text, default: '200' },
      rate: { ...text, default: '1000' },
      seconds: text,
      updates: text,
      instances: { ...text, default: '16' },
      quick: flag,
      json: flag,
      help: flag,
    },
  });
  if (values.help) return null;
  const given = values.quick
    ? { messages: '4000', rounds: '2', seconds: '5', updates: '50', ...values }
    : { messages: '20000', rounds: '5', seconds: '20', updates: '200', ...values };
  return {
    messages: wholeNumber('messages', given.messages),
    rounds: wholeNumber('rounds', given.rounds),
    batch: wholeNumber('batch', given.batch),
    rate: wholeNumber('rate', given.rate),
    seconds: wholeNumber('seconds', given.seconds),
    updates: wholeNumber('updates', given.updates),
    instances: wholeNumber('instances', given.instances),
    json: values.json,
  };
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number from 1`);
}

interface Figures {
  throughput: Array<{ apart: number } & Throughput>;
  lagMs: number[];
  broadcastMs: number[];
}

async function measure(pool: Pool, connectionString: string, options: Options): Promise<Figures> {
  const throughput: Figures['throughput'] = [];
  for (const apart of distances) {
    const { messages, rounds, batch: batchSize } = options;
    const measured = await measureThroughput(pool, { messages, rounds, batchSize, apart, onRound: progress });
    throughput.push({ apart, ...measured });
  }
  progress(`lag at ${options.rate} events/s`);
  // What was written before is not to be written out meanwhile, and is known to the planner, as after a while of running.
  await pool.query('checkpoint');
  await pool.query('analyze');
  const central = await startProcess(new URL('../src/cli/main.ts', import.meta.url), {
    args: ['serve', 'central'],
    env: { DATABASE_URL: connectionString, CENTRAL_PORT: '0' },
  });
  const { seconds, rate: eventsPerSecond } = options;
  const lagMs = await measureLag(pool, { seconds, eventsPerSecond, senders: 16, flushMs });
  await central.stop();
  progress(`broadcast to ${options.instances} instances`);
  const broadcastMs = await measureBroadcast(pool, connectionString, options);
  progress('');
  return { throughput, lagMs, broadcastMs };
}

function report({ throughput, lagMs, broadcastMs }: Figures, options: Options): void {
  const shares = throughput.map(({ raw, consumer }) =>
    median(consumer.map((rate, round) => rate / (raw[round] ?? NaN))),
  );
  console.log(
    `messages a second, ${options.batch} in a transaction, median of ${options.rounds} rounds (range of the share)`,
  );
  for (const [index, { apart, raw, consumer }] of throughput.entries()) {
    const rounds = consumer.map((rate, round) => rate / (raw[round] ?? NaN));
    const range = [Math.min(...rounds), Math.max(...rounds)].map((share) => share.toFixed(2)).join('–');
    console.log(
      `  outcome ${String(apart).padStart(3)} decisions later: pgmq read and delete ${median(raw).toFixed(0)}, ` +
        `consumer ${median(consumer).toFixed(0)}, share ${(shares[index] ?? NaN).toFixed(2)} (${range})`,
    );
  }
  const lag = [0.5, 0.99].map((share) => quantile(lagMs, share));
  const broadcast = [0.5, 0.99].map((share) => quantile(broadcastMs, share));
  console.log(`\nlag of ${lagMs.length} events, ms: p50 ${lag[0]?.toFixed(1)}, p99 ${lag[1]?.toFixed(1)}`);
  console.log(
    `  from sent to counted; an event waits up to ${flushMs} ms (events.flush_ms) in its router before, not in this`,
  );
  console.log(
    `broadcast of ${broadcastMs.length} scores, ms: p50 ${broadcast[0]?.toFixed(1)}, p99 ${broadcast[1]?.toFixed(1)}\n`,
  );

  const goals: Array<[text: string, holds: boolean]> = [
    ['consumer ≥ 50% of reading and deleting alone, outcomes in other batches', (shares[0] ?? 0) >= 0.5],
    [`p99 of the lag ≤ 100 ms at ${options.rate} events/s`, (lag[1] ?? Infinity) <= 100],
    [`p99 of the broadcast to ${options.instances} instances ≤ 50 ms`, (broadcast[1] ?? Infinity) <= 50],
  ];
  for (const [text, holds] of goals) console.log(`${holds ? 'holds' : 'FAILS'}  ${text}`);
}

const options = optionsOrExit(readOptions, usage);
const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version };
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
const log = silentLogger();
const starting = startEmbeddedPostgres({ dataDir: folder, log });

async function stopEverything(): Promise<void> {
  await stopProcesses();
  await (await starting).stop();
  rmSync(folder, { recursive: true, force: true });
}
const { release } = releaseOnce(stopEverything);

try {
  const { connectionString } = await starting;
  const pool = createPool({ connectionString, applicationName: 'bench', max: 32, log });
  await migrate(pool, { log });
  const figures = await measure(pool, connectionString, options);
  await pool.end();
  if (options.json) console.log(JSON.stringify({ machine, options, ...figures }, null, 2));
  else {
    report(figures, options);
    console.log(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}`);
  }
} finally {
  await release();
}
