import { complexities } from '../../src/contracts/query-class.ts';
import { type Prior, shiftsFromPrior } from '../../src/prediction/prior.ts';
import { apgr } from './apgr.ts';
import { fitPrior, fitTopics } from './fit-prior.ts';
import type { PublicRow, Source } from './public-data.ts';

export interface UnknownModel {
  model: string;
  /** Mean outcome. */
  mean: number;
  /** Brier score of predictions by its mean alone, and by the prior. */
  brierOfMean: number;
  brier: number;
  /** Of predicted and true mean outcomes of its tasks. */
  correlation: number;
  /** Mean outcome of the choices of the highest prediction among all models, by the prior that does not know this one. */
  chosen: number;
}

export interface UnknownModels {
  models: UnknownModel[];
  bestSingle: number;
  /** Slope of true on predicted deviations of tasks from the mean of a model; 1 where they are as large as predicted. */
  slope: number;
}

/**
 * Each model of llmrouter14 in turn is unknown but for its mean, on prompts that nothing has seen: five folds, and for each
 * the prior is learned from the other models on the other folds.
 */
export function leaveModelsOut(allRows: readonly PublicRow[]): UnknownModels {
  const rows = allRows.filter(({ source }) => source === 'llmrouter14');
  const means = meanOutcomes(rows);
  const names = [...means.keys()].sort();
  const predictions = rows.map(() => new Map<string, number>());
  const chosen = new Map<string, number[]>(names.map((name) => [name, []]));
  for (const fold of new Set(rows.map((row) => row.fold))) {
    const train = rows.filter((row) => row.fold !== fold);
    const topics = fitTopics(train);
    const known = meanOutcomes(train);
    for (const name of names) {
      const ofOthers = train.map((row) => ({
        ...row,
        outcomes: new Map([...row.outcomes].filter(([model]) => model !== name)),
      }));
      const expect = expectations(fitPrior(ofOthers, topics), known);
      for (const [index, row] of rows.entries()) {
        if (row.fold !== fold) continue;
        const expected = expect(row.features);
        predictions[index]?.set(name, expected.get(name) ?? 0);
        chosen.get(name)?.push(row.outcomes.get(highest(expected)) ?? 0);
      }
    }
  }
  const judged = rows.flatMap((row, index): Judged[] =>
    row.tellsDifficulty ? [{ row, predicted: predictions[index] ?? new Map<string, number>() }] : [],
  );
  const tasks = names.flatMap((name) => taskMeans(judged, name));
  return {
    models: names.map((name) => ({
      ...describe(judged, name, means.get(name) ?? 0),
      chosen: average(chosen.get(name) ?? []),
    })),
    bestSingle: Math.max(...means.values()),
    slope: slopeOf(tasks),
  };
}

export interface OtherData {
  learnedFrom: Source;
  /** Whether the prompts and tasks of both, not the outcomes, have told the topics. */
  topicsOfBoth: boolean;
  benchmark: string;
  strong: string;
  weak: string;
  prompts: number;
  apgr: number;
}

const routellmPair = { strong: 'gpt-4-1106-preview', weak: 'mixtral-8x7b-instruct-v0.1' };
const pairs: readonly { learnedFrom: Source; benchmark: string; strong: string; weak: string }[] = [
  { learnedFrom: 'llmrouter14', benchmark: 'mmlu', ...routellmPair },
  { learnedFrom: 'llmrouter14', benchmark: 'gsm8k', ...routellmPair },
  ...['gemma-2-9b-it', 'llama-3.1-8b-instruct', 'qwen2.5-7b-instruct', 'mistral-7b-instruct-v0.3'].map((weak) => ({
    learnedFrom: 'routellm' as const,
    benchmark: 'llmrouter14',
    strong: 'llama-3.1-nemotron-51b-instruct',
    weak,
  })),
];

/** Learned from the outcomes of one data set, tried on those of the other: two models of which only the means are known. */
export function tryOnOtherData(rows: readonly PublicRow[]): OtherData[] {
  return [false, true].flatMap((topicsOfBoth) =>
    (['llmrouter14', 'routellm'] as const).flatMap((learnedFrom) => {
      const train = rows.filter(({ source }) => source === learnedFrom);
      const trained = new Set(train.map(({ question }) => question));
      const prior = fitPrior(train, fitTopics(topicsOfBoth ? rows : train));
      return pairs
        .filter((pair) => pair.learnedFrom === learnedFrom)
        .map((pair): OtherData => {
          const test = rows.filter(
            ({ benchmark, source, tellsDifficulty, question }) =>
              benchmark === pair.benchmark && (tellsDifficulty || source === 'routellm') && !trained.has(question),
          );
          const means = meanOutcomes(test);
          const ofPair = [pair.strong, pair.weak].map((name): [string, number] => [name, means.get(name) ?? 0]);
          const expect = expectations(prior, new Map(ofPair));
          const worth = test.map(({ features }) => {
            const expected = expect(features);
            return (expected.get(pair.strong) ?? 0) - (expected.get(pair.weak) ?? 0);
          });
          return { ...pair, topicsOfBoth, prompts: test.length, apgr: apgr(test, worth, pair.strong, pair.weak) };
        });
    }),
  );
}

/** What the prior expects of models of which only the mean outcome is known, for any prompt. */
function expectations(
  prior: Prior,
  means: ReadonlyMap<string, number>,
): (features: Uint16Array) => ReadonlyMap<string, number> {
  // Means at single complexities are not known here, so that what is said of a prompt must not be less their share.
  const ofAll = { ease: new Float32Array(complexities.length), separation: new Float32Array(complexities.length) };
  const predictor = shiftsFromPrior(
    { ...prior, centres: ofAll },
    [...means].map(([name, ability]) => ({ name, ability })),
  );
  return (features) => {
    const shifts = predictor.shifts(features, 'medium');
    return new Map([...means].map(([name, mean]) => [name, mean + (shifts.get(name) ?? 0)]));
  };
}

interface Judged {
  row: PublicRow;
  predicted: ReadonlyMap<string, number>;
}

function describe(judged: readonly Judged[], model: string, mean: number): Omit<UnknownModel, 'chosen'> {
  const ownMean = average(judged.map(({ row }) => row.outcomes.get(model) ?? 0));
  const brier = (expected: (one: Judged) => number): number =>
    average(judged.map((one) => (expected(one) - (one.row.outcomes.get(model) ?? 0)) ** 2));
  const tasks = taskMeans(judged, model);
  const product = average(tasks.map(({ predicted, seen }) => predicted * seen));
  const spread = average(tasks.map(({ predicted }) => predicted ** 2)) * average(tasks.map(({ seen }) => seen ** 2));
  return {
    model,
    mean,
    brierOfMean: brier(() => ownMean),
    brier: brier(({ predicted }) => predicted.get(model) ?? 0),
    correlation: product / Math.sqrt(spread),
  };
}

/** A model on a task: by how much predicted and true mean outcome differ from those of its average task. */
interface TaskMean {
  predicted: number;
  seen: number;
}

function taskMeans(judged: readonly Judged[], model: string): TaskMean[] {
  const byTask = [...new Set(judged.map(({ row }) => row.task))].map((task) =>
    judged.filter(({ row }) => row.task === task),
  );
  const means = byTask.map((own) => ({
    predicted: average(own.map(({ predicted }) => predicted.get(model) ?? 0)),
    seen: average(own.map(({ row }) => row.outcomes.get(model) ?? 0)),
  }));
  const middle = { predicted: average(means.map((one) => one.predicted)), seen: average(means.map((one) => one.seen)) };
  return means.map(({ predicted, seen }) => ({ predicted: predicted - middle.predicted, seen: seen - middle.seen }));
}

function slopeOf(tasks: readonly TaskMean[]): number {
  return (
    average(tasks.map(({ predicted, seen }) => predicted * seen)) /
    average(tasks.map(({ predicted }) => predicted ** 2))
  );
}

function meanOutcomes(rows: readonly PublicRow[]): Map<string, number> {
  const all = new Map<string, number[]>();
  for (const [model, outcome] of rows.flatMap(({ outcomes }) => [...outcomes])) {
    const own = all.get(model);
    if (own === undefined) all.set(model, [outcome]);
    else own.push(outcome);
  }
  return new Map([...all].map(([model, own]) => [model, average(own)]));
}

function highest(numbers: ReadonlyMap<string, number>): string {
  return [...numbers].reduce((best, one) => (one[1] > best[1] ? one : best), ['', -Infinity] as [string, number])[0];
}

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
