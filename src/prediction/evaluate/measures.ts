import { bootstrapIntervals, type Interval } from './bootstrap.ts';
import { type Calibration, calibrationOf } from './calibration.ts';
import { averageQuality, costOfQuality, frontierOf, type OperatingPoint, qualityAtCost } from './frontier.ts';
import { groupBy } from './group-by.ts';
import { type PairMeasures, pairMeasures, rank, type Ranking } from './pair.ts';
import type { EvaluationRow, Outcome } from './rows.ts';
import { type ExpectingMethod, expectingMethods, type FixedMethod, fixedMethods, type Run } from './run.ts';

export interface Measured {
  /** NaN where it cannot be told, infinite where it is never reached. */
  value: number;
  /** 95%, by a bootstrap over the rows. */
  interval: Interval;
}

/** Beside the ways to route of a run, two that follow from the single models' outcomes. */
export type MeasuredMethod = ExpectingMethod | FixedMethod | 'single_models_hull' | 'random_mix';

/** Of each way to route. Points are hundredths of a score; quality and cost are those at the first trade-off. */
export const poolMeasures = [
  'quality',
  'cost_usd',
  /** By how much it is better than the best single model. */
  'gain_points',
  /** By how much Signalbox is better than it. */
  'signalbox_ahead_points',
  /** Of the way from the best single model to the oracle, the share that it goes. */
  'gap_closed',
  'aiq_linear',
  'aiq_log',
  /** Cost at which it is 95% as good as the best single model, as a share of what that one costs; then 98% and 100%. */
  'cost_at_95',
  'cost_at_98',
  'cost_at_100',
] as const;
export type PoolMeasure = (typeof poolMeasures)[number];

export interface MethodReport {
  method: MeasuredMethod;
  measures: Record<PoolMeasure, Measured>;
}

export interface PairReport {
  strong: string;
  weak: string;
  methods: Array<{
    method: ExpectingMethod | 'oracle';
    measures: Record<keyof PairMeasures | 'signalbox_ahead_apgr', Measured>;
  }>;
}

export interface FamilyReport {
  family: string;
  rows: number;
  /** By how much the router is better than the best single model, in points; below 0 where it loses. */
  gainPoints: number;
}

export interface Report {
  rows: number;
  models: Array<{ model: string; quality: number; costUsd: number }>;
  /** The router at each of the trade-offs. */
  curve: Array<OperatingPoint & { tradeOff: number }>;
  methods: MethodReport[];
  pair: PairReport | null;
  /** Families of 20 rows or more, the worst first. */
  families: FamilyReport[];
  calibration: Calibration;
}

export interface MeasureOptions {
  tradeOffs: readonly number[];
  resamples: number;
  /** The family of each tested row; null: there are none. */
  families: readonly string[] | null;
}

const leastFamily = 20;

/** All measures of a run, over the rows that count. Reproducible. */
export function measure(run: Run, models: readonly string[], options: MeasureOptions): Report {
  const places = [...run.rows.keys()].filter((place) => run.rows[place]?.counts === true);
  const rows = places.map((place) => run.rows[place] as EvaluationRow);
  const pool = poolOf(run, places, models.length);
  const even = new Float64Array(rows.length).fill(1);
  const means = modelMeans(rows, models.length, even);
  return {
    rows: rows.length,
    models: models.map((model, index) => ({ model, ...(means[index] as OperatingPoint) })),
    curve: (pool.columns.get('signalbox') ?? []).map((column, point) => ({
      tradeOff: options.tradeOffs[point] as number,
      ...pointOf(column, even),
    })),
    methods: measurePool(pool, options.resamples),
    pair: models.length === 2 ? measurePair(run, places, models, options.resamples) : null,
    families: options.families === null ? [] : measureFamilies(pool, places, options.families),
    calibration: calibrate(run, places, models.length),
  };
}

/** Scores and costs of the models that one way picked for the rows. */
interface Column {
  scores: Float64Array;
  costsUsd: Float64Array;
}

interface Pool {
  rows: readonly EvaluationRow[];
  modelCount: number;
  columns: ReadonlyMap<ExpectingMethod | FixedMethod, readonly Column[]>;
}

function poolOf(run: Run, places: readonly number[], modelCount: number): Pool {
  const rows = places.map((place) => run.rows[place] as EvaluationRow);
  const columns = [...run.picks].map(([method, points]) => {
    const ofPoints = points.map((picks): Column => {
      const outcomes = places.map((place, at) => rows[at]?.outcomes[picks[place] as number] as Outcome);
      return {
        scores: Float64Array.from(outcomes, ({ score }) => score),
        costsUsd: Float64Array.from(outcomes, ({ costUsd }) => costUsd),
      };
    });
    return [method, ofPoints] as const;
  });
  return { rows, modelCount, columns: new Map(columns) };
}

function pointOf({ scores, costsUsd }: Column, weights: Float64Array): OperatingPoint {
  let quality = 0;
  let costUsd = 0;
  let count = 0;
  for (let row = 0; row < weights.length; row += 1) {
    const weight = weights[row] as number;
    quality += weight * (scores[row] as number);
    costUsd += weight * (costsUsd[row] as number);
    count += weight;
  }
  return { quality: quality / count, costUsd: costUsd / count };
}

/** Of each model over the rows that it has an outcome for. */
function modelMeans(rows: readonly EvaluationRow[], modelCount: number, weights: Float64Array): OperatingPoint[] {
  return Array.from({ length: modelCount }, (_, model) => {
    let quality = 0;
    let costUsd = 0;
    let count = 0;
    for (let row = 0; row < rows.length; row += 1) {
      const outcome = rows[row]?.outcomes[model];
      if (outcome == null) continue;
      const weight = weights[row] as number;
      quality += weight * outcome.score;
      costUsd += weight * outcome.costUsd;
      count += weight;
    }
    return { quality: quality / count, costUsd: costUsd / count };
  });
}

function measurePool(pool: Pool, resamples: number): MethodReport[] {
  const methods: MeasuredMethod[] = [
    ...[...expectingMethods, ...fixedMethods].filter((method) => pool.columns.has(method)),
    'single_models_hull',
    'random_mix',
  ];
  const measureAll = (weights: Float64Array): number[] => {
    const measures = measuresOf(pool, weights);
    return methods.flatMap((method) => poolMeasures.map((name) => measures(method)[name]));
  };
  const named = withIntervals(pool.rows.length, resamples, measureAll);
  return methods.map((method, index) => ({
    method,
    measures: Object.fromEntries(
      poolMeasures.map((name, at) => [name, named[index * poolMeasures.length + at]]),
    ) as Record<PoolMeasure, Measured>,
  }));
}

/** The measures of every way to route, when rows count as often as `weights` says. */
function measuresOf(pool: Pool, weights: Float64Array): (method: MeasuredMethod) => Record<PoolMeasure, number> {
  const pointsOf = (method: ExpectingMethod | FixedMethod): OperatingPoint[] =>
    (pool.columns.get(method) ?? []).map((column) => pointOf(column, weights));
  const singles = modelMeans(pool.rows, pool.modelCount, weights).filter(({ quality }) => !Number.isNaN(quality));
  const costs = singles.map(({ costUsd }) => costUsd);
  const [lowUsd, highUsd] = [Math.min(...costs), Math.max(...costs)];
  const unknown: OperatingPoint = { quality: NaN, costUsd: NaN };
  const [best = unknown] = pointsOf('best_single');
  const [oracle = unknown] = pointsOf('oracle');
  const own = pointsOf('signalbox');
  const [ownFirst = unknown] = own;

  const describe = (first: OperatingPoint, frontier: readonly OperatingPoint[]): Record<PoolMeasure, number> => {
    // One point is no curve.
    const area = frontier.length < 2 ? { linear: NaN, logarithmic: NaN } : averageQuality(frontier, lowUsd, highUsd);
    const costAt = (share: number): number => costOfQuality(frontier, share * best.quality) / best.costUsd;
    return {
      quality: first.quality,
      cost_usd: first.costUsd,
      gain_points: 100 * (first.quality - best.quality),
      signalbox_ahead_points: 100 * (ownFirst.quality - first.quality),
      gap_closed: (first.quality - best.quality) / (oracle.quality - best.quality),
      aiq_linear: area.linear,
      aiq_log: area.logarithmic,
      cost_at_95: costAt(0.95),
      cost_at_98: costAt(0.98),
      cost_at_100: costAt(1),
    };
  };

  return (method) => {
    if (method === 'single_models_hull') {
      const hull = frontierOf(singles);
      return describe(hull.at(-1) ?? unknown, hull);
    }
    if (method === 'random_mix') {
      // Requests divided at random between the cheapest and the best single model, so that they cost what the router does.
      const cheapest = singles.filter(({ costUsd }) => costUsd === lowUsd);
      const mix = frontierOf([...cheapest, best]);
      return describe({ quality: qualityAtCost(mix, ownFirst.costUsd), costUsd: ownFirst.costUsd }, mix);
    }
    const points = method === 'signalbox' ? own : pointsOf(method);
    const [first = unknown] = points;
    return describe(first, frontierOf(points));
  };
}

function withIntervals(
  rowCount: number,
  resamples: number,
  measureAll: (weights: Float64Array) => number[],
): Measured[] {
  const values = measureAll(new Float64Array(rowCount).fill(1));
  const intervals = bootstrapIntervals(rowCount, resamples, 'evaluate', measureAll);
  return values.map((value, index) => ({ value, interval: intervals[index] ?? [NaN, NaN] }));
}

const pairNames = ['apgr', 'cpt50', 'cpt80', 'signalbox_ahead_apgr'] as const;

/** Which of the two is strong follows from the scores: it only says which way the measures look. */
function measurePair(
  run: Run,
  allPlaces: readonly number[],
  models: readonly string[],
  resamples: number,
): PairReport | null {
  const places = allPlaces.filter((place) => run.rows[place]?.outcomes.includes(null) === false);
  const scoresOf = (model: number): Float64Array =>
    Float64Array.from(places, (place) => run.rows[place]?.outcomes[model]?.score ?? NaN);
  const scores = [scoresOf(0), scoresOf(1)] as const;
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  const [strong, weak] = sum(scores[0]) >= sum(scores[1]) ? [0, 1] : [1, 0];
  if (places.length === 0) return null;
  const gains = (scores[strong] as Float64Array).map((score, at) => score - ((scores[weak] as Float64Array)[at] ?? 0));

  // Without the prompt all rows tie, and what folds differ by would be all that ranks them.
  const ranking = [...run.expected].filter(([method]) => method !== 'no_prompt');
  const rankings: Array<[ExpectingMethod | 'oracle', Ranking]> = ranking.map(([method, expected]) => [
    method,
    rank(
      Float64Array.from(
        places,
        (place) => (expected[2 * place + strong] as number) - (expected[2 * place + weak] as number),
      ),
    ),
  ]);
  rankings.push(['oracle', rank(gains)]);
  const measured = withIntervals(places.length, resamples, (weights) => {
    const all = rankings.map(([, ranked]) => pairMeasures(ranked, gains, weights));
    const own = all[0]?.apgr ?? NaN;
    return all.flatMap(({ apgr, cpt50, cpt80 }) => [apgr, cpt50, cpt80, own - apgr]);
  });
  return {
    strong: models[strong] as string,
    weak: models[weak] as string,
    methods: rankings.map(([method], index) => ({
      method,
      measures: Object.fromEntries(
        pairNames.map((name, at) => [name, measured[index * pairNames.length + at]]),
      ) as PairReport['methods'][number]['measures'],
    })),
  };
}

function measureFamilies(pool: Pool, places: readonly number[], families: readonly string[]): FamilyReport[] {
  const [own] = pool.columns.get('signalbox') ?? [];
  const [best] = pool.columns.get('best_single') ?? [];
  const groups = groupBy([...places.keys()], (at) => families[places[at] as number] as string);
  return [...groups]
    .filter(([, ats]) => ats.length >= leastFamily)
    .map(([family, ats]) => {
      const gain = ats.reduce((sum, at) => sum + (own?.scores[at] ?? NaN) - (best?.scores[at] ?? NaN), 0);
      return { family, rows: ats.length, gainPoints: (100 * gain) / ats.length };
    })
    .sort((a, b) => a.gainPoints - b.gainPoints);
}

function calibrate({ rows, expected }: Run, places: readonly number[], modelCount: number): Calibration {
  const own = expected.get('signalbox');
  const predicted: number[] = [];
  const actual: number[] = [];
  for (const place of places) {
    for (const [model, outcome] of (rows[place]?.outcomes ?? []).entries()) {
      if (outcome === null || own === undefined) continue;
      predicted.push(own[place * modelCount + model] as number);
      actual.push(outcome.score);
    }
  }
  return calibrationOf(predicted, actual);
}
