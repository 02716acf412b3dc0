/**
 * What the router makes of recorded outcomes, against what we want of it: `signalbox evaluate` on the development data.
 *
 *     npm run bench:routing -- [--data ../shared/data] [--shuffles 10] [--only mmlu,online] [--write]
 *
 * Prints a table of Markdown; --write puts it into docs/routing-quality.md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import {
  evaluateOffline,
  evaluateUnseenModels,
  type Offline,
  type OfflineOptions,
} from '../src/cli/evaluate-offline.ts';
import { type EvaluationData, readData } from '../src/cli/evaluate-data.ts';
import { evaluateOnline, type OnlineStream } from '../src/cli/evaluate-online.ts';
import { type DecisionTime, timeDecisions } from '../src/cli/evaluate-timing.ts';
import { configSchema } from '../src/platform/config/schema.ts';
import { createChooser } from '../src/prediction/evaluate/chooser.ts';
import type { Measured, MeasuredMethod } from '../src/prediction/evaluate/measures.ts';
import { fitPredictor, topicsOf } from '../src/prediction/evaluate/predictions.ts';
import { pricesOf } from '../src/prediction/evaluate/price.ts';
import type { EvaluationRow } from '../src/prediction/evaluate/rows.ts';
import { promptFromText } from '../src/router/classify/prompt.ts';
import { explorationFromConfig, policyFromConfig } from '../src/router/policy-from-config.ts';
import { createRandom } from '../src/statistics/random.ts';
import { notice, progress } from './support/progress.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    shuffles: { type: 'string', default: '10' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

const files = {
  mmlu: `${values.data}/routellm/mmlu.jsonl.gz`,
  gsm8k: `${values.data}/routellm/gsm8k.jsonl.gz`,
  llmrouter14: `${values.data}/llmrouter14/outcomes.jsonl.gz`,
};
const { routing } = configSchema.parse({});

interface Goal {
  goal: string;
  measured: string;
  holds: boolean;
}
const goals: Goal[] = [];
const details: string[] = [];

type Section = 'mmlu' | 'mmlu-small' | 'gsm8k' | 'llmrouter14' | 'labels' | 'families' | 'models' | 'online' | 'time';
const sections: Record<Section, { file: string; run(data: EvaluationData): void }> = {
  mmlu: {
    file: files.mmlu,
    run: (data) => pairSection('RouteLLM MMLU, 5 folds', offline('mmlu', data), 0.68),
  },
  'mmlu-small': { file: files.mmlu, run: smallTraining },
  gsm8k: {
    file: files.gsm8k,
    run: (data) => pairSection('RouteLLM GSM8K, 5 folds', offline('gsm8k', data), 0.66),
  },
  llmrouter14: {
    file: files.llmrouter14,
    run: (data) => poolSection('llmrouter14, 5 folds, no labels', offline('llmrouter14', data, { useLabels: false })),
  },
  labels: {
    file: files.llmrouter14,
    run: (data) =>
      poolSection('llmrouter14, 5 folds, labels of training rows', offline('labels', data, { useLabels: true })),
  },
  families: { file: files.llmrouter14, run: leftOutFamilies },
  models: { file: files.llmrouter14, run: leftOutModels },
  online: { file: files.llmrouter14, run: online },
  time: { file: files.llmrouter14, run: decisionTimes },
};

function offline(name: string, data: EvaluationData, changes: Partial<OfflineOptions> = {}): Offline {
  return evaluateOffline(data, optionsOf(name, changes));
}

function optionsOf(name: string, changes: Partial<OfflineOptions>): OfflineOptions {
  return {
    policy: policyFromConfig({ routing }),
    tradeOffs: Array.from({ length: 11 }, (_, index) => index / 10),
    useLabels: false,
    leaveOut: null,
    resamples: 1000,
    onProgress: (text) => progress(`${name}: ${text}`),
    ...changes,
  };
}

function addGoal(goal: string, measured: string, holds: boolean): void {
  goals.push({ goal, measured, holds });
}

function pairSection(title: string, { report }: Offline, leastApgr: number): void {
  if (report.pair === null) throw new Error(`${title}: not two models`);
  const rows = report.pair.methods.map(({ method, measures }) => [
    names[method],
    withInterval(measures.apgr, 3),
    percent(measures.cpt50.value),
    percent(measures.cpt80.value),
    method === 'signalbox' ? '' : withInterval(measures.signalbox_ahead_apgr, 3),
  ]);
  section(title, ['', 'APGR (95%)', 'CPT(50%)', 'CPT(80%)', 'Signalbox ahead (95%)'], rows);
  const own = report.pair.methods[0]?.measures.apgr.value ?? NaN;
  addGoal(`${title}: APGR ≥ ${leastApgr}`, own.toFixed(3), own >= leastApgr);
  calibrationGoal(title, report.calibration.ece);
}

/** As many rows as RouteLLM had labels for, drawn at random; the others are tested. */
function smallTraining(data: EvaluationData): void {
  const seeds = [1, 2, 3, 4, 5];
  const reports = seeds.map((seed) => {
    const random = createRandom(`mmlu ${seed}`);
    const shuffled = data.rows
      .filter(({ counts }) => counts)
      .map((row) => ({ row, key: random.next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ row }) => row);
    return offline(`mmlu from 1,531 rows, seed ${seed}`, {
      ...data,
      rows: shuffled.slice(1531),
      training: shuffled.slice(0, 1531),
    }).report;
  });
  const title = 'RouteLLM MMLU, trained on 1,531 random rows';
  const methods = reports[0]?.pair?.methods.map(({ method }) => method) ?? [];
  const meanOf = (method: string, measure: 'apgr' | 'cpt50' | 'cpt80'): number =>
    mean(
      reports.map(({ pair }) => pair?.methods.find((each) => each.method === method)?.measures[measure].value ?? NaN),
    );
  section(
    `${title}, mean of ${seeds.length} draws`,
    ['', 'APGR', 'CPT(50%)', 'CPT(80%)'],
    methods.map((method) => [
      names[method],
      meanOf(method, 'apgr').toFixed(3),
      percent(meanOf(method, 'cpt50')),
      percent(meanOf(method, 'cpt80')),
    ]),
  );
  const own = meanOf('signalbox', 'apgr');
  addGoal(`${title}: APGR ≥ 0.63`, own.toFixed(3), own >= 0.63);
}

function poolSection(title: string, { report }: Offline): void {
  section(
    title,
    [
      '',
      'quality',
      'USD/1k',
      'points over best single (95%)',
      'Signalbox ahead (95%)',
      'gap closed',
      'AIQ',
      'AIQ log',
      'cost at 95%',
      '98%',
      '100%',
    ],
    report.methods.map(({ method, measures }) => [
      names[method],
      (100 * measures.quality.value).toFixed(2),
      (1000 * measures.cost_usd.value).toFixed(3),
      withInterval(measures.gain_points, 2),
      method === 'signalbox' ? '' : withInterval(measures.signalbox_ahead_points, 2),
      percent(measures.gap_closed.value),
      number(measures.aiq_linear.value),
      number(measures.aiq_log.value),
      percent(measures.cost_at_95.value),
      percent(measures.cost_at_98.value),
      percent(measures.cost_at_100.value),
    ]),
  );
  const [worst] = report.families;
  if (worst !== undefined) {
    details.push(
      `Worst family: ${worst.family}, ${worst.gainPoints.toFixed(1)} points over ${worst.rows} prompts.`,
      '',
    );
  }
  const own = report.methods.find(({ method }) => method === 'signalbox')?.measures;
  if (own === undefined) throw new Error('no measures of the router');
  const { gain_points: gain, cost_at_100: cost } = own;
  addGoal(`${title}: ≥ +4.0 points over the best single model`, withInterval(gain, 2), gain.value >= 4);
  addGoal(`${title}: its quality at ≤ 20% of its cost`, withPercentInterval(cost), cost.value <= 0.2);
  calibrationGoal(title, report.calibration.ece);
}

function calibrationGoal(title: string, ece: number): void {
  addGoal(`${title}: ECE ≤ 3%`, percent(ece), ece <= 0.03);
}

function leftOutFamilies(data: EvaluationData): void {
  const { report } = offline('left-out families', data, { leaveOut: 'family' });
  const title = 'llmrouter14, whole families left out';
  poolTable(
    title,
    report.families.map(({ family, rows, gainPoints }) => [family, String(rows), gainPoints.toFixed(1)]),
  );
  const gain = report.methods.find(({ method }) => method === 'signalbox')?.measures.gain_points;
  if (gain === undefined) throw new Error('no measures of the router');
  addGoal(`${title}: on the whole at most 1 point below best single`, withInterval(gain, 2), gain.value >= -1);
  const worst = report.families[0]?.gainPoints ?? NaN;
  addGoal(`${title}: no family more than 1 point below best single`, worst.toFixed(1), worst >= -1);
}

function poolTable(title: string, rows: string[][]): void {
  section(title, ['family', 'prompts', 'points over best single'], rows);
}

function leftOutModels(data: EvaluationData): void {
  const title = 'llmrouter14, a model without history';
  const unseen = evaluateUnseenModels(data, optionsOf('left-out models', {}));
  section(
    title,
    ['no history of', 'chosen for', 'points over best single (95%)'],
    unseen.map(({ model, share, gainPoints, interval }) => [
      model,
      percent(share),
      withInterval({ value: gainPoints, interval }, 2),
    ]),
  );
  const worst = Math.min(...unseen.map(({ gainPoints }) => gainPoints));
  addGoal(`${title}: none more than 1 point below best single`, worst.toFixed(2), worst >= -1);
}

function online(data: EvaluationData): void {
  const bounds = explorationFromConfig({ routing });
  if (bounds === null) throw new Error('exploration is off');
  for (const { prior, blocks, said } of [
    { prior: 'none', blocks: false, said: 'nothing known before' },
    { prior: 'published', blocks: false, said: 'published means known before' },
    { prior: 'published', blocks: true, said: 'published means known before, one task after the other' },
  ] as const) {
    const title = `llmrouter14, online, ${said}`;
    const streams = evaluateOnline(data, {
      bounds,
      shuffles: Number(values.shuffles),
      prior,
      blocks,
      dropped: 0,
      flipped: 0,
      delay: 0,
      change: null,
      onProgress: (text) => progress(`${title}: ${text}`),
    });
    const cells = (name: string, of: readonly OnlineStream[]): string[] => [
      name,
      ...(of[0]?.regret ?? []).map((_, at) =>
        [
          mean(of.map(({ regret }) => regret[at]?.bestSingle ?? NaN)).toFixed(0),
          mean(of.map(({ regret }) => regret[at]?.oracle ?? NaN)).toFixed(0),
        ].join(' / '),
      ),
      spread(of.map(({ pointsFrom1000 }) => pointsFrom1000)),
      spread(of.map(({ pointsLastQuarter }) => pointsLastQuarter)),
    ];
    section(
      title,
      [
        'stream',
        ...(streams[0]?.regret ?? []).map(({ requests }) => `regret at ${requests}: best single / oracle`),
        'points from 1,000 on',
        'last quarter',
      ],
      [cells('by `order`', streams.slice(0, 1)), cells(`mean of ${streams.length} (least … most)`, streams)],
    );
    if (blocks) continue;
    const from1000 = mean(streams.map(({ pointsFrom1000 }) => pointsFrom1000));
    const last = mean(streams.map(({ pointsLastQuarter }) => pointsLastQuarter));
    addGoal(
      `${title}: no worse than best single from request 1,000 on`,
      `${from1000.toFixed(2)} points`,
      from1000 >= 0,
    );
    addGoal(`${title}: better in the last quarter`, `${last.toFixed(2)} points`, last > 0);
  }
}

/** Twelve models: those of the data, and some of them once more under another name. */
function decisionTimes(data: EvaluationData): void {
  progress('decision times');
  const extra = [0, 1, 2];
  const models = [...data.models, ...extra.map((model) => `${data.models[model]}-again`)];
  const rows = data.rows.map((row): EvaluationRow => {
    return { ...row, outcomes: [...row.outcomes, ...extra.map((model) => row.outcomes[model] ?? null)] };
  });
  const last = {
    predictor: fitPredictor(rows, models, topicsOf(rows, false), null),
    choose: createChooser(models, pricesOf(rows, models.length), policyFromConfig({ routing })),
  };
  const text = rows.map(({ prompt }) => prompt.question).join('\n\n');
  const timesOf = (characters: number, warmUps: number): ReturnType<typeof timeDecisions> => {
    const first = rows[0] as EvaluationRow;
    const prompts = Array.from({ length: 500 }, (_, index): EvaluationRow => {
      const start = (index * 4093) % (text.length - characters);
      return { ...first, prompt: promptFromText(text.slice(start, start + characters)) };
    });
    return timeDecisions(last, prompts, warmUps);
  };
  // As in a router that has been up for a while: until then the compiler is still at it.
  const short = timesOf(300, 20_000);
  const long = timesOf(100_000, 3000);
  const cell = ({ p50Us, p99Us }: DecisionTime): string => `${p50Us.toFixed(1)} / ${p99Us.toFixed(1)}`;
  const parts = Object.keys(short) as Array<keyof typeof short>;
  section(
    'A decision among 12 models, µs, p50 / p99',
    ['characters', ...parts],
    [
      ['300', ...parts.map((part) => cell(short[part]))],
      ['100,000', ...parts.map((part) => cell(long[part]))],
    ],
  );
  addGoal('a decision on 300 characters: p50 ≤ 25 µs', `${short.all.p50Us.toFixed(1)} µs`, short.all.p50Us <= 25);
  addGoal('a decision on 100,000 characters: p50 ≤ 1 ms', `${long.all.p50Us.toFixed(1)} µs`, long.all.p50Us <= 1000);
}

const names: Record<MeasuredMethod, string> = {
  signalbox: '**Signalbox**',
  best_single: 'best single model',
  cheapest_good_single: 'cheapest good single model',
  single_models_hull: 'hull of single models',
  random_mix: 'random mix, equal cost',
  no_prompt: 'sees no prompt',
  task_lookup: 'task lookup',
  tf_idf_knn: 'TF-IDF kNN, k = 40',
  oracle: 'oracle',
};

const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(1)}%` : '–');
const number = (value: number): string => (Number.isFinite(value) ? value.toFixed(3) : '–');
const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;

function withInterval({ value, interval: [low, high] }: Measured, digits: number): string {
  return `${value.toFixed(digits)} (${low.toFixed(digits)} … ${high.toFixed(digits)})`;
}

function withPercentInterval({ value, interval: [low, high] }: Measured): string {
  return `${percent(value)} (${percent(low)} … ${percent(high)})`;
}

function spread(list: readonly number[]): string {
  return list.length === 1
    ? mean(list).toFixed(2)
    : `${mean(list).toFixed(2)} (${Math.min(...list).toFixed(2)} … ${Math.max(...list).toFixed(2)})`;
}

function section(title: string, header: readonly string[], rows: readonly string[][]): void {
  details.push(`### ${title}`, '', ...markdown(header, rows), '');
}

function markdown(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), `| --- |${' ---: |'.repeat(header.length - 1)}`, ...rows.map(line)];
}

const wanted = values.only?.split(',') ?? Object.keys(sections);
const unknown = wanted.find((name) => !(name in sections));
if (unknown !== undefined) {
  console.error(`--only: no part is called ${unknown}, but ${Object.keys(sections).join(', ')}`);
  process.exit(1);
}
const loaded = new Map<string, EvaluationData>();
let skipped = 0;
for (const [name, { file, run }] of Object.entries(sections)) {
  if (!wanted.includes(name)) continue;
  if (!existsSync(file)) {
    notice(`SKIPPED ${name}: there is no ${file} (see --data)`);
    skipped += 1;
    continue;
  }
  const data = loaded.get(file) ?? readData(file, null);
  loaded.set(file, data);
  const before = goals.length;
  run(data);
  for (const { goal, measured, holds } of goals.slice(before)) {
    notice(`${holds ? 'holds ' : 'MISSED'} ${measured}: ${goal}`);
  }
}
progress('');

const machine = `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.versions.node}.`;
const text = [
  machine,
  '',
  ...markdown(
    ['goal', 'measured', ''],
    goals.map(({ goal, measured, holds }) => [goal, measured, holds ? 'holds' : '**missed**']),
  ),
  '',
  ...details,
].join('\n');
console.log(text);
if (values.write && skipped > 0) console.error('not written: parts were skipped');
else if (values.write) {
  const file = new URL('../docs/routing-quality.md', import.meta.url);
  const [before, , after] = readFileSync(file, 'utf8').split(/(?<=<!-- measured -->\n)|(?=<!-- end of measured -->)/);
  writeFileSync(file, `${before}\n${text.trimEnd()}\n\n${after}`);
}
