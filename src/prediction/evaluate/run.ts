import type { Policy } from '../../router/select/policy.ts';
import { predict, type Predictor } from '../predictor.ts';
import type { TopicModel } from '../topics.ts';
import { type Chooser, createChooser } from './chooser.ts';
import { groupBy } from './group-by.ts';
import { createNeighbours } from './nearest-neighbours.ts';
import { fitPredictor, haveTasks } from './predictions.ts';
import { pricesOf } from './price.ts';
import { type EvaluationRow, type Outcome, meanScores } from './rows.ts';
import type { Split } from './splits.ts';

/** Ways to route that expect something of each model, and choose by it and the price as the router does. */
export const expectingMethods = ['signalbox', 'no_prompt', 'task_lookup', 'tf_idf_knn'] as const;
export type ExpectingMethod = (typeof expectingMethods)[number];
/** Ways to route that have one answer, whatever the trade-off. */
export const fixedMethods = ['best_single', 'cheapest_good_single', 'oracle'] as const;
export type FixedMethod = (typeof fixedMethods)[number];

export interface Run {
  /** The tested rows. */
  rows: readonly EvaluationRow[];
  /** What each way expected, `row · models + model`; without those that there was nothing for. */
  expected: ReadonlyMap<ExpectingMethod, Float64Array>;
  /** The model that each way picked for each row, for each of the trade-offs; one list for fixed ways. */
  picks: ReadonlyMap<ExpectingMethod | FixedMethod, readonly Int32Array[]>;
  /** What the router decided by in the last of the splits. */
  last: { predictor: Predictor; choose: Chooser };
}

export interface RunOptions {
  policy: Policy;
  /** From quality (0) to cost (1). */
  tradeOffs: readonly number[];
  topicsOf(split: Split): TopicModel;
  /** A model whose outcomes are not shown in training, only their mean; null: none. */
  unseen: number | null;
  /** False: nothing but the router itself and the best single model. */
  withBaselines: boolean;
  onSplit(split: Split, index: number): void;
}

/** Part of the best single model's mean score from which on a model counts as good. */
export const goodShare = 0.9;
const neighbourCount = 40;

/**
 * Picks models for the tested rows of every split. All that is learned, prices and the choice of the best single model
 * included, comes from the split's training rows alone; the oracle alone knows the outcomes. Pure, but for the callbacks.
 *
 * @throws RangeError where there is nothing to test, or nothing to train on.
 */
export function runSplits(
  rows: readonly EvaluationRow[],
  models: readonly string[],
  splits: readonly Split[],
  options: RunOptions,
): Run {
  const tested = splits.flatMap(({ test }) => test.map((place) => rows[place] as EvaluationRow));
  const expected = new Map<ExpectingMethod, Float64Array>();
  const picks = new Map<ExpectingMethod | FixedMethod, Int32Array[]>();
  const withTasks = haveTasks(rows);
  let start = 0;
  let last: Run['last'] | null = null;
  for (const [index, split] of splits.entries()) {
    options.onSplit(split, index);
    const train = split.train.map((place) => rows[place] as EvaluationRow);
    const test = split.test.map((place) => rows[place] as EvaluationRow);
    const prices = pricesOf(train, models.length);
    const choose = createChooser(models, prices, options.policy);
    if (train.length === 0) throw new RangeError(`nothing is left to train on without ${split.name}`);
    const predictor = fitPredictor(train, models, options.topicsOf(split), options.unseen);
    last = { predictor, choose };
    for (const [name, expect] of expectations(train, models.length, predictor, options.withBaselines, withTasks)) {
      const all = table(expected, name, () => new Float64Array(tested.length * models.length));
      const picked = table(picks, name, () => options.tradeOffs.map(() => new Int32Array(tested.length)));
      for (const [at, row] of test.entries()) {
        const expectation = expect(row);
        all.set(expectation, (start + at) * models.length);
        for (const [point, tradeOff] of options.tradeOffs.entries()) {
          (picked[point] as Int32Array)[start + at] = choose(row, expectation, tradeOff);
        }
      }
    }
    for (const [name, pick] of fixedPicks(train, models, choose, options.withBaselines)) {
      const [picked] = table(picks, name, () => [new Int32Array(tested.length)]);
      for (const [at, row] of test.entries()) (picked as Int32Array)[start + at] = pick(row);
    }
    start += test.length;
  }
  if (last === null) throw new RangeError('nothing to test');
  return { rows: tested, expected, picks, last };
}

function table<Name, Table>(tables: Map<Name, Table>, name: Name, create: () => Table): Table {
  const known = tables.get(name) ?? create();
  tables.set(name, known);
  return known;
}

function expectations(
  train: readonly EvaluationRow[],
  modelCount: number,
  predictor: Predictor,
  withBaselines: boolean,
  withTasks: boolean,
): Array<[ExpectingMethod, (row: EvaluationRow) => Float64Array]> {
  const own: ReturnType<typeof expectations> = [['signalbox', ({ features }) => predict(predictor, features).means]];
  if (!withBaselines) return own;

  const means = meanScores(train, modelCount);
  own.push(['no_prompt', () => means]);

  if (withTasks) {
    const meansByTask = new Map(
      [...groupBy(train, ({ task }) => task)].map(([task, of]) => [task, meanScores(of, modelCount)]),
    );
    own.push(['task_lookup', ({ task }) => meansByTask.get(task) ?? means]);
  }

  const neighbours = createNeighbours(
    train.map(({ prompt }) => prompt.question),
    neighbourCount,
  );
  own.push([
    'tf_idf_knn',
    ({ prompt }) => {
      const near = neighbours(prompt.question).map((place) => train[place] as EvaluationRow);
      return near.length === 0 ? means : meanScores(near, modelCount);
    },
  ]);
  return own;
}

function fixedPicks(
  train: readonly EvaluationRow[],
  models: readonly string[],
  choose: Chooser,
  withBaselines: boolean,
): Array<[FixedMethod, (row: EvaluationRow) => number]> {
  const means = meanScores(train, models.length);
  const best: [FixedMethod, (row: EvaluationRow) => number] = ['best_single', (row) => choose(row, means, 0)];
  if (!withBaselines) return [best];
  const leastGood = goodShare * Math.max(...means);
  const good = means.map((mean) => Number(mean >= leastGood));
  return [
    best,
    ['cheapest_good_single', (row) => choose(row, good, 0)],
    ['oracle', ({ outcomes }) => bestOutcome(outcomes)],
  ];
}

/** The model with the best outcome, the cheapest of those that are equally good. */
function bestOutcome(outcomes: ReadonlyArray<Outcome | null>): number {
  let best: (Outcome & { model: number }) | null = null;
  for (const [model, outcome] of outcomes.entries()) {
    if (outcome === null) continue;
    const isBetter =
      best === null || outcome.score > best.score || (outcome.score === best.score && outcome.costUsd < best.costUsd);
    if (isBetter) best = { ...outcome, model };
  }
  if (best === null) throw new RangeError('a row without an outcome');
  return best.model;
}
