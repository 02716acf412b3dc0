/** What races gain and cost against one model, on simulated ones. See docs/benchmarks.md. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { type Ask, type Asked, majorityIsRight, race, selectedIsRight, stream } from './race/ask.ts';
import { type Call, inputTokens, type Rival, type Rivals, startRivals } from './race/rivals.ts';
import { optionsOrExit, releaseOnce } from './support/main.ts';
import { startProcess, stopProcesses } from './support/process.ts';
import { progress } from './support/progress.ts';
import { quantile } from './support/statistics.ts';

const usage = `npm run bench:race -- [options]

  --requests 600     of each kind
  --at-once 24       requests under way
  --seed 1           of the simulated models
  --json             everything that was measured, instead of text`;

/** Like many models of today: quick as a rule, with a long tail. */
const ttft = { median: 400, p95: 1600 };
const rivals: readonly Rival[] = ['rival-a', 'rival-b', 'rival-c'].map((name) => ({
  name,
  ttft,
  perTokenMs: 8,
  accuracy: 0.8,
}));
/** USD for 1000 tokens. */
const prices = { input_tokens_per_1k: 0.001, output_tokens_per_1k: 0.004 };

interface Kind {
  name: string;
  ask: Ask;
  hedges?: boolean;
}

const three = rivals.map(({ name }) => name);
const vote = { models: three, strategy: 'consensus', extract: 'number' };
const kinds: readonly Kind[] = [
  { name: 'one model', ask: stream({ model: 'rival-a' }) },
  { name: 'one model, hedged', ask: stream({ model: 'rival-a', models: ['rival-b'] }), hedges: true },
  { name: 'first of 2', ask: stream({ model: 'race:rival-a,rival-b' }) },
  { name: 'first of 3', ask: stream({ model: 'race:rival-a,rival-b,rival-c' }) },
  { name: 'vote of 3, all awaited', ask: race({ models: three, strategy: 'best' }, majorityIsRight) },
  { name: 'consensus of 3, stopped early', ask: race({ ...vote, staged: false }, selectedIsRight) },
  { name: 'consensus of 3, staged', ask: race(vote, selectedIsRight) },
];

interface Measured {
  asked: Asked[];
  calls: Call[];
}

function readOptions() {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: { requests: text('600'), 'at-once': text('24'), seed: text('1'), json: flag, help: flag },
  });
  if (values.help) return null;
  return {
    requests: wholeNumber('requests', values.requests),
    atOnce: wholeNumber('at-once', values['at-once']),
    seed: values.seed,
    json: values.json,
  };
}

function wholeNumber(name: string, given: string): number {
  if (/^[1-9]\d{0,6}$/.test(given)) return Number(given);
  throw new Error(`--${name} must be a whole number from 1`);
}

const options = optionsOrExit(readOptions, usage);
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
const starting = Promise.all([
  startEmbeddedPostgres({ dataDir: folder, log: silentLogger() }),
  startRivals(rivals, options.seed),
]);
const { release } = releaseOnce(async () => {
  await stopProcesses();
  const [postgres, provider] = await starting;
  await provider.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Routers with and without hedging, beside the services that they work with. */
async function startRouters(connectionString: string, provider: Rivals): Promise<{ plain: string; hedging: string }> {
  const program = new URL('../src/cli/main.ts', import.meta.url);
  const environment = (hedges: boolean): Record<string, string> => {
    const file = join(folder, `hedges-${hedges}.yaml`);
    writeFileSync(
      file,
      JSON.stringify({
        providers: [{ name: 'rivals', kind: 'openai-compatible', base_url: provider.url }],
        resilience: { hedge: { enabled: hedges } },
      }),
    );
    const ports = { REGISTRY_PORT: '0', ROUTER_PORT: '0', CENTRAL_PORT: '0' };
    return { ...ports, DATABASE_URL: connectionString, SIGNALBOX_CONFIG: file, SIGNALBOX_DATA_DIR: folder };
  };
  const registry = await startProcess(program, { args: ['serve', 'registry'], env: environment(false) });
  await startProcess(program, { args: ['serve', 'central'], env: environment(false) });
  for (const { name } of rivals) {
    const response = await fetch(`http://127.0.0.1:${registry.ports['registry'] ?? 0}/models/${name}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ costs: prices }),
    });
    if (!response.ok) throw new Error(`the catalogue refused the price of ${name}: ${await response.text()}`);
  }
  const start = async (hedges: boolean): Promise<string> => {
    const router = await startProcess(program, {
      args: ['serve', 'router'],
      env: { ...environment(hedges), INSTANCE_ID: `hedges-${hedges}` },
    });
    return `http://127.0.0.1:${router.port}`;
  };
  return { plain: await start(false), hedging: await start(true) };
}

let questions = 0;

async function ask(
  { ask: askOne, hedges = false }: Kind,
  count: number,
  routers: { plain: string; hedging: string },
): Promise<Asked[]> {
  const asked: Asked[] = [];
  let left = count;
  await Promise.all(
    Array.from({ length: options.atOnce }, async () => {
      while (left > 0) {
        left -= 1;
        questions += 1;
        asked.push(await askOne(hedges ? routers.hedging : routers.plain, questions));
      }
    }),
  );
  return asked;
}

/** From the first content of a race to the end of each loser's connection, as the provider saw both, in milliseconds. */
function closingTimes(calls: readonly Call[]): number[] {
  const byQuestion = new Map<number, Call[]>();
  for (const call of calls) byQuestion.set(call.question, [...(byQuestion.get(call.question) ?? []), call]);
  return [...byQuestion.values()].flatMap((lanes) => {
    const first = Math.min(...lanes.map(({ firstContentAtMs }) => firstContentAtMs ?? Infinity));
    return lanes.flatMap(({ cutOffAtMs }) => (cutOffAtMs === null ? [] : [cutOffAtMs - first]));
  });
}

function costOf({ calls, asked }: Measured): number {
  const usd = calls.reduce(
    (sum, { outputTokens }) =>
      sum + (inputTokens * prices.input_tokens_per_1k + outputTokens * prices.output_tokens_per_1k) / 1000,
    0,
  );
  return usd / asked.length;
}

function report(measured: ReadonlyMap<Kind, Measured>): void {
  const single = [...measured.values()][0];
  const baseUsd = single === undefined ? NaN : costOf(single);
  const ms = (values: readonly number[], share: number): string => quantile(values, share).toFixed(0).padStart(6);
  console.log(
    `${options.requests} requests of each kind, ${options.atOnce} at once; first content log-normal, median ${ttft.median} ms, p95 ${ttft.p95} ms; 40 tokens of 8 ms; right in 80%\n`,
  );
  console.log('                               first content, ms    complete, ms           calls   cost   right   none');
  console.log('                                  p50     p99         p50     p99');
  for (const [{ name }, figures] of measured) {
    const { asked, calls } = figures;
    const first = asked.flatMap(({ firstContentMs }) => firstContentMs ?? []);
    const complete = asked.map(({ completeMs }) => completeMs);
    const answered = asked.filter(({ isRight }) => isRight !== null);
    const rightShare = answered.filter(({ isRight }) => isRight === true).length / answered.length;
    console.log(
      `  ${name.padEnd(30)}${first.length === 0 ? '     –       –' : `${ms(first, 0.5)}  ${ms(first, 0.99)}`}      ${ms(complete, 0.5)}  ${ms(complete, 0.99)}` +
        `  ${(calls.length / asked.length).toFixed(2).padStart(10)}  ${(costOf(figures) / baseUsd).toFixed(2).padStart(5)}  ${(100 * rightShare).toFixed(1).padStart(5)}%  ${(100 * (1 - answered.length / asked.length)).toFixed(1).padStart(4)}%`,
    );
  }
  const closing = [...measured].flatMap(([{ name }, { calls }]) =>
    name.startsWith('first') ? closingTimes(calls) : [],
  );
  console.log(
    `\nfrom the first content to the end of a loser's connection, ms: p50 ${quantile(closing, 0.5).toFixed(1)}, p99 ${quantile(closing, 0.99).toFixed(1)}, most ${Math.max(...closing).toFixed(1)} (${closing.length} losers)`,
  );
  console.log(
    `${quantile(closing, 0.99) <= 50 ? 'holds' : 'FAILS'}  99% of the losers' connections closed within 50 ms`,
  );
}

try {
  const [{ connectionString }, provider] = await starting;
  const routers = await startRouters(connectionString, provider);
  const measured = new Map<Kind, Measured>(kinds.map((kind) => [kind, { asked: [], calls: [] }]));
  // What is not counted: connections, compiled code, and how late a first token is as a rule, which hedging goes by.
  for (const kind of kinds) await ask(kind, kind.hedges === true ? 200 : 30, routers);
  provider.takeCalls();
  const rounds = 3;
  for (let round = 1; round <= rounds; round += 1) {
    for (const [kind, figures] of measured) {
      progress(`round ${round} of ${rounds}: ${kind.name}`);
      figures.asked.push(...(await ask(kind, Math.ceil(options.requests / rounds), routers)));
      figures.calls.push(...provider.takeCalls());
    }
  }
  progress('');
  const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version };
  if (options.json) {
    const kindsMeasured = [...measured].map(([{ name }, figures]) => ({ name, ...figures }));
    console.log(JSON.stringify({ machine, options, kinds: kindsMeasured }, null, 2));
  } else {
    report(measured);
    console.log(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}`);
  }
} finally {
  await release();
}
