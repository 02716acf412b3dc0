import { bootstrapIntervals, type Interval } from '../prediction/evaluate/bootstrap.ts';
import { measure, type Report } from '../prediction/evaluate/measures.ts';
import { haveTasks, topicsOf } from '../prediction/evaluate/predictions.ts';
import type { EvaluationRow } from '../prediction/evaluate/rows.ts';
import { type Run, runSplits } from '../prediction/evaluate/run.ts';
import { familiesOf, familySplits, foldSplits, type Split } from '../prediction/evaluate/splits.ts';
import type { TopicModel } from '../prediction/topics.ts';
import type { Policy } from '../router/select/policy.ts';
import type { EvaluationData } from './evaluate-data.ts';
import { type DecisionPart, type DecisionTime, timeDecisions } from './evaluate-timing.ts';
import { messageOf, StartupError } from '../platform/core/errors.ts';

export interface OfflineOptions {
  policy: Policy;
  tradeOffs: readonly number[];
  /** Tasks of training rows may stand in for topics. */
  useLabels: boolean;
  leaveOut: 'family' | 'model' | null;
  resamples: number;
  onProgress(text: string): void;
}

export interface Offline {
  protocol: string;
  /** Whether tasks of training rows stood in for topics. */
  labels: boolean;
  run: Run;
  report: Report;
  decision: Record<DecisionPart, DecisionTime>;
}

/** The router, of which one model has no history: only its mean over the training rows is known. */
export interface UnseenModel {
  model: string;
  /** Requests that it was chosen for at the first trade-off, as a share. */
  share: number;
  /** By how much the router is better than the best single model then, in points. */
  gainPoints: number;
  interval: Interval;
}

/** Predicts every row by others, and measures what the router would have made of it. */
export function evaluateOffline(data: EvaluationData, options: OfflineOptions): Offline {
  const rows = [...data.rows, ...(data.training ?? [])];
  const splits = splitsOf(data, options.leaveOut);
  const labels = options.useLabels && splits.every(({ train }) => haveTasks(placesOf(rows, train)));
  const run = runThrough(rows, data.models, splits, options, labels, null, true);
  options.onProgress('measuring');
  const hasFamilies = data.rows.some(({ task }) => task !== null);
  const families = hasFamilies ? run.rows.map(({ task }) => task ?? 'no task') : null;
  return {
    protocol: protocolOf(data, options.leaveOut, splits),
    labels,
    run,
    report: measure(run, data.models, { ...options, families }),
    decision: timeDecisions(run.last, run.rows),
  };
}

/** For each model in turn: what becomes of the router when nothing was seen of it. */
export function evaluateUnseenModels(data: EvaluationData, options: OfflineOptions): UnseenModel[] {
  const rows = [...data.rows, ...(data.training ?? [])];
  const splits = splitsOf(data, null);
  const labels = options.useLabels && splits.every(({ train }) => haveTasks(placesOf(rows, train)));
  const found = new Map<Split, TopicModel>();
  const topics = (split: Split): TopicModel => {
    const known = found.get(split) ?? topicsOf(placesOf(rows, split.train), labels);
    found.set(split, known);
    return known;
  };
  return data.models.map((model, unseen) => {
    const run = runThrough(rows, data.models, splits, { ...options, tradeOffs: [0] }, labels, unseen, false, topics);
    const picks = (method: 'signalbox' | 'best_single'): Int32Array => run.picks.get(method)?.[0] ?? new Int32Array();
    const places = [...run.rows.keys()].filter((place) => run.rows[place]?.counts === true);
    const scoreOf = (place: number, chosen: Int32Array): number =>
      run.rows[place]?.outcomes[chosen[place] as number]?.score ?? NaN;
    const gains = places.map((place) => scoreOf(place, picks('signalbox')) - scoreOf(place, picks('best_single')));
    const mean = (weights: ArrayLike<number>): number =>
      (100 * gains.reduce((sum, gain, at) => sum + gain * (weights[at] as number), 0)) / gains.length;
    const [interval = [NaN, NaN] as const] = bootstrapIntervals(gains.length, options.resamples, model, (weights) => [
      mean(weights),
    ]);
    const chosen = places.filter((place) => picks('signalbox')[place] === unseen).length;
    return { model, share: chosen / places.length, gainPoints: mean(new Float64Array(gains.length).fill(1)), interval };
  });
}

const placesOf = (rows: readonly EvaluationRow[], places: readonly number[]): EvaluationRow[] =>
  places.map((place) => rows[place] as EvaluationRow);

function splitsOf({ rows, training }: EvaluationData, leaveOut: OfflineOptions['leaveOut']): Split[] {
  if (training !== null) {
    const test = [...rows.keys()];
    return [{ name: 'the training file', train: training.map((_, index) => rows.length + index), test }];
  }
  return leaveOut === 'family' ? familySplits(rows, familiesOf(rows)) : foldSplits(rows);
}

function protocolOf({ training }: EvaluationData, leaveOut: OfflineOptions['leaveOut'], splits: Split[]): string {
  if (training !== null) return `trained on another file of ${training.length} rows`;
  return leaveOut === 'family'
    ? `whole families left out of training, ${splits.length} splits`
    : `out of fold, ${splits.length} folds`;
}

function runThrough(
  rows: readonly EvaluationRow[],
  models: readonly string[],
  splits: readonly Split[],
  { policy, tradeOffs, onProgress }: OfflineOptions,
  labels: boolean,
  unseen: number | null,
  withBaselines: boolean,
  topics: (split: Split) => TopicModel = ({ train }) => topicsOf(placesOf(rows, train), labels),
): Run {
  const without = unseen === null ? '' : `without ${models[unseen]}, `;
  try {
    return runSplits(rows, models, splits, {
      policy,
      tradeOffs,
      topicsOf: topics,
      unseen,
      withBaselines,
      onSplit: ({ name }, index) => onProgress(`${without}${name} (${index + 1} of ${splits.length})`),
    });
  } catch (error) {
    if (error instanceof RangeError) throw new StartupError(messageOf(error), { cause: error });
    throw error;
  }
}
